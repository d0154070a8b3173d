/**
 * Watches of every protocol are told alike: one change for a thousand of them delays nobody.
 * @module
 */
import { test } from "vitest";
import { FAN_OUTS } from "./attacks/fan-out.ts";
import { openStage } from "./harness/abuse-stage.ts";
import { expectToHold } from "./harness/row.ts";

test("one address watches a thousand times, and changes what it watches", async () => {
  // With the default limit for calls, one address needs a minute for a thousand watches.
  const { service, good } = await openStage({ flags: ["--rate-limit=1000", "--rate-burst=1000"] });
  await expectToHold(service, good, FAN_OUTS);
});
