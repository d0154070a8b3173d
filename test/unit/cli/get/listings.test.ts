import { expect, test } from "vitest";
import { LISTINGS } from "../../../../src/cli/get/listings.ts";
import { DEFINITIONS } from "../../../../src/resources/index.ts";

test("every kind of resource has a listing, in the order of its definition", () => {
  expect([...LISTINGS.keys()]).toEqual(DEFINITIONS);
});
