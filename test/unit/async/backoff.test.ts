import { describe, expect, test } from "vitest";
import { Backoff } from "../../../src/async/backoff.ts";

describe("backoff", () => {
  test("a wait is its middle plus or minus a half", () => {
    expect(new Backoff(() => 0).next()).toBe(250);
    expect(new Backoff(() => 0.999_999).next()).toBe(750);
  });

  test("the middle grows by half up to a minute, and starts over when something worked", () => {
    const backoff = new Backoff(() => 0.5);
    const waits = Array.from({ length: 30 }, () => backoff.next());
    expect(waits.slice(0, 3)).toEqual([500, 750, 1125]);
    expect(waits.at(-1)).toBe(60_000);
    backoff.reset();
    expect(backoff.next()).toBe(500);
  });
});
