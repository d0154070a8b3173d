/**
 * Whatever is called, it counts: nobody makes the service work, or holds streams, without a limit.
 * @module
 */
import { test } from "vitest";
import {
  CALLS_WITHOUT_MESSAGE,
  GRPC_FLOODS,
  HEALTH_WATCHES,
  OPEN_REFLECTION,
  PAGE_FLOODS,
  UNKNOWN_HEALTH_WATCHES,
} from "./attacks/other-calls.ts";
import { openStage } from "./harness/abuse-stage.ts";
import { expectToHold } from "./harness/row.ts";

/** What Node takes of a container with 512 MiB. */
const SMALL_HEAP_MB = 384;

test("one address holds streams of health and reflection, with a small heap", async () => {
  const { service, good } = await openStage({ heapMb: SMALL_HEAP_MB });
  await expectToHold(service, good, [HEALTH_WATCHES, UNKNOWN_HEALTH_WATCHES, OPEN_REFLECTION]);
});

test("one address floods the service with requests that are no calls of nodes", async () => {
  const { service, good } = await openStage();
  await expectToHold(service, good, [...GRPC_FLOODS, ...PAGE_FLOODS]);
});

test("one address begins calls in every protocol, and sends no message", async () => {
  const { service, good } = await openStage();
  await expectToHold(service, good, CALLS_WITHOUT_MESSAGE);
});
