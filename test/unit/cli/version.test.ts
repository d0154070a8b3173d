import { expect, test } from "vitest";
import { outdatedNode } from "../../../src/cli/version.ts";

test.each(["20.20.2", "22.11.0", "18.0.0"])("Node %s is too old, and that is said", (version) => {
  expect(outdatedNode(version)).toBe(
    `this is Node ${version}, and talos-discovery needs 22.12 or later`,
  );
});

test.each(["22.12.0", "22.13.1", "24.0.0", "26.1.0"])("nothing is said of Node %s", (version) => {
  expect(outdatedNode(version)).toBeUndefined();
});
