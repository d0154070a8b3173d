import { describe, expect, test } from "vitest";
import { closeNames } from "../../../../src/cli/forget/node-choice.ts";

describe("names that are meant", () => {
  test("differ by two characters at most, by upper case, or by a domain", () => {
    const names = ["worker-1", "worker-12", "cp-1", "Worker-1", "worker-1.example.com"];
    expect(closeNames("wroker-1", names)).toStrictEqual(["Worker-1", "worker-1"]);
    expect(closeNames("worker-1", names)).toStrictEqual([
      "Worker-1",
      "worker-1",
      "worker-1.example.com",
      "worker-12",
    ]);
    expect(closeNames("worker-1.lan", ["worker-1"])).toStrictEqual(["worker-1"]);
    expect(closeNames("database", names)).toStrictEqual([]);
  });

  test("are five at most, and nobody's where the name is none", () => {
    expect(closeNames("n", [..."abcdefgh"])).toHaveLength(5);
    expect(closeNames("", ["a"])).toStrictEqual([]);
    expect(closeNames("x".repeat(10_000), ["x".repeat(10_000)])).toStrictEqual([]);
  });
});
