/**
 * Well-formed and malformed HTTP/2 in amounts that no client sends, with a good node beside it.
 * `test/faults/fuzz.test.ts` sends more of it, also over TLS.
 * @module
 */
import { test } from "vitest";
import { FRAME_FLOODS } from "./attacks/frames.ts";
import { openFullStage } from "./harness/abuse-stage.ts";
import { expectToHold } from "./harness/row.ts";

test("one address floods the service with frames of every kind", async () => {
  const { service, good, fullCluster } = await openFullStage();
  await expectToHold(service, good, FRAME_FLOODS, fullCluster);
});
