/**
 * No encoding of an answer is so costly that one client within its limits slows down others.
 * @module
 */
import { expect, test } from "vitest";
import { answerBytes, COSTLY_ANSWERS } from "./attacks/costly-answers.ts";
import { openFullStage } from "./harness/abuse-stage.ts";
import { Attacker } from "./harness/attacker.ts";
import { FULL_CLUSTER } from "./harness/fill.ts";
import { expectToHold } from "./harness/row.ts";

test("one address reads a full cluster as often as it may, in every encoding", async () => {
  const { service, good, fullCluster } = await openFullStage();
  const attacker = new Attacker(service, fullCluster);
  for (const [name, bytes] of await answerBytes(attacker)) {
    const { affiliates, dataBytes } = FULL_CLUSTER;
    // A page has a line of some ten bytes for each affiliate.
    const least = affiliates * (name.startsWith("/inspect") ? 10 : dataBytes);
    expect(bytes, name).toBeGreaterThan(least);
  }
  attacker.close();
  await expectToHold(service, good, COSTLY_ANSWERS, fullCluster);
});
