/**
 * Floods of HTTP/2 frames, with a good node beside them.
 * `test/faults/fuzz.test.ts` sends them for longer, also over TLS.
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
