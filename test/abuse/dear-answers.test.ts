/**
 * No encoding of an answer costs so much that one caller within its limits slows the others.
 * @module
 */
import { test } from "vitest";
import { DEAR_ANSWERS } from "./attacks/dear-answers.ts";
import { openFullStage } from "./harness/abuse-stage.ts";
import { expectToHold } from "./harness/row.ts";

test("one address reads a full cluster as often as it may, in every encoding", async () => {
  const { service, good, fullCluster } = await openFullStage();
  await expectToHold(service, good, DEAR_ANSWERS, fullCluster);
});
