/**
 * Floods of HTTP/2 frames, with a good node beside them.
 * `test/faults/fuzz.test.ts` sends them for longer, also over TLS.
 * @module
 */
import { expect, test } from "vitest";
import { FRAME_FLOODS, HEADER_FLOODS } from "./attacks/frames.ts";
import { openFullStage, openStage } from "./harness/abuse-stage.ts";
import { expectToHold } from "./harness/row.ts";

test("one address floods the service with frames of every kind", async () => {
  const { service, good, fullCluster } = await openFullStage({
    // Else most of the floods would only meet the limit that the first of them used up.
    flags: ["--client-upload-bytes-per-second=0"],
  });
  await expectToHold(service, good, FRAME_FLOODS, fullCluster);
});

test("one address sends headers that HTTP/2 unpacks and throws away", async () => {
  const { service, good } = await openStage();
  await expectToHold(service, good, HEADER_FLOODS);
  const refusals = await service.metric("discovery_server_refusals_total");
  expect(refusals.get('{reason="upload_limit"}')).toBeGreaterThan(0);
});
