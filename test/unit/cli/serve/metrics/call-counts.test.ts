import { expect, test } from "vitest";
import { clientVersionLabel } from "../../../../../src/cli/serve/metrics/call-counts.ts";

test.each([
  ["v1.8.3", "v1.8"],
  ["v1.12.0", "v1.12"],
  ["v1.9.0-alpha.1", "v1.9-pre"],
  ["v1.9.0-alpha.1-22-gdeadbeef-dirty", "v1.9-pre"],
  ["", "unknown"],
  ["1.8.3", "unknown"],
  ["v1.8", "unknown"],
  ["vXY.ZZ.a", "unknown"],
  ['v1.8.3"} 1\nforged', "unknown"],
  [`v${"9".repeat(400)}.1.1`, "unknown"],
])("the version %j is counted as %s", (version, label) => {
  expect(clientVersionLabel(version)).toBe(label);
});
