/**
 * One change that a thousand watches receive delays no other client, whatever protocol they use.
 * @module
 */
import { test } from "vitest";
import { FAN_OUTS } from "./attacks/fan-out.ts";
import { openStage } from "./harness/abuse-stage.ts";
import { expectToHold } from "./harness/row.ts";

test("one address watches a thousand times, and changes what it watches", async () => {
  // At the default rate, one address needs a minute for a thousand watches.
  const { service, good } = await openStage({ flags: ["--rate-limit=1000", "--rate-burst=1000"] });
  await expectToHold(service, good, FAN_OUTS);
});
