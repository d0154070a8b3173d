import { readFile } from "node:fs/promises";
import { expect, inject, test } from "vitest";
import { DEPLOY } from "../harness/paths.ts";
import { plainManifests } from "./harness/manifests.ts";

test("the plain manifests are what the chart makes: npm run gen:manifests", async () => {
  const written = await readFile(`${DEPLOY}/kubernetes/talos-discovery.yaml`, "utf8");
  expect(written).toBe(await plainManifests(inject("programs").helm));
});
