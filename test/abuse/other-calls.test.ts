/**
 * Every call counts: no client causes work or holds streams without a limit.
 * @module
 */

import { expect, test } from "vitest";
import { DEAR_REQUESTS } from "./attacks/dear-requests.ts";
import {
  CALLS_WITHOUT_MESSAGE,
  GRPC_FLOODS,
  HEALTH,
  HEALTH_WATCHES,
  LONG_FLOOD,
  MALFORMED_FLOODS,
  OPEN_REFLECTION,
  PAGE_FLOODS,
  UNKNOWN_HEALTH_WATCHES,
  WHOLE_SERVER,
} from "./attacks/other-calls.ts";
import { openStage } from "./harness/abuse-stage.ts";
import { Attacker } from "./harness/attacker.ts";
import { ask, GRPC } from "./harness/encodings.ts";
import { callOnce, GRPC_OK } from "./harness/grpc-connection.ts";
import { http1Answer, http2Answer } from "./harness/http-answers.ts";
import { ATTACKER } from "./harness/loopback-address.ts";
import { clusterRequest } from "./harness/messages.ts";
import { expectToHold } from "./harness/row.ts";

/** What Node takes of a container with 512 MiB. */
const SMALL_HEAP_MB = 384;

/** Takes more than ten seconds at 15 calls a second. */
const OVER_EVERY_BURST = 300;

test("one address holds streams of health and reflection, with a small heap", async () => {
  const { service, good } = await openStage({ heapMb: SMALL_HEAP_MB });
  await expectToHold(service, good, [HEALTH_WATCHES, UNKNOWN_HEALTH_WATCHES, OPEN_REFLECTION]);
});

test("one address floods the service with requests that are no calls of nodes", async () => {
  const { service, good } = await openStage({
    // Else its connections are refused after the first floods.
    flags: ["--client-upload-bytes-per-second=0"],
  });
  await expectToHold(service, good, [...GRPC_FLOODS, ...PAGE_FLOODS]);
});

test("an address whose connections are closed for floods gets fewer new ones", async () => {
  const { service, good } = await openStage();
  await expectToHold(service, good, [LONG_FLOOD]);
  const refusals = await service.metric("discovery_server_refusals_total");
  expect(refusals.get('{reason="upload_limit"}')).toBeGreaterThan(0);
});

test("one address floods the service with malformed calls", async () => {
  const { service, good } = await openStage();
  await expectToHold(service, good, MALFORMED_FLOODS);
});

test("ten addresses send requests that take long to read", async () => {
  const { service, good } = await openStage();
  await expectToHold(service, good, DEAR_REQUESTS);
});

test("one address begins calls in every protocol, and sends no message", async () => {
  const { service, good } = await openStage();
  await expectToHold(service, good, CALLS_WITHOUT_MESSAGE);
});

test("probes are answered while their client is over its limit for calls, and calls while it is over that for probes", async () => {
  const { service } = await openStage();
  const attacker = new Attacker(service, "");
  const healthz = { ":path": "/healthz" };

  const calls = await attacker.http2();
  for (let i = 0; i < OVER_EVERY_BURST; i++) ask(calls, "Hello", GRPC, "limited");
  expect(await http2Answer(service.port, healthz)).toMatchObject({ status: 200 });
  calls.close();

  const probes = await attacker.http2();
  for (let i = 0; i < OVER_EVERY_BURST; i++) probes.call(`${HEALTH}/Check`, WHOLE_SERVER);
  const hello = await callOnce(service, ATTACKER, "Hello", clusterRequest("limited"));
  expect(hello).toMatchObject({ status: GRPC_OK });
  // The port that Kubernetes asks has no limit for it.
  const landing = await http1Answer(
    service.landingPort,
    "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  );
  expect(landing).toMatchObject({ status: 200 });
  attacker.close();
});
