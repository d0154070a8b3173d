/**
 * Many requests at once are served in turn with those of others.
 * @module
 */
import { expect, test } from "vitest";
import {
  FLOOD_OF_HEADERS,
  PIPELINES,
  SCRAPES_OF_MANY,
  startWaiting,
  WAITING,
} from "./attacks/many-at-once.ts";
import { openStage } from "./harness/abuse-stage.ts";
import { Attacker } from "./harness/attacker.ts";
import { callOnce, GRPC_OK, type GrpcAnswer, GrpcConnection } from "./harness/grpc-connection.ts";
import { Http1Peer, http1Request } from "./harness/http1-peer.ts";
import { manyAddresses, NEWCOMER } from "./harness/loopback-address.ts";
import { clusterRequest, updateRequest } from "./harness/messages.ts";
import { expectToHold } from "./harness/row.ts";

/** A client's burst, and as many more as it gets in a second. */
const CALLS_OVER_BURST = 75;
const NEWCOMERS = 8;
/** The metric tells versions apart by their first two numbers. */
const INVENTED_VERSIONS = 300;
const CALLS_PER_ADDRESS = 50;
/** Within a pipeline. */
const REQUESTS_AT_ONCE = 10;
/** Far more than the burst of 50 takes. */
const MOST_BATCHES = 20;
/** Of which the last is the one over the limit. */
const REFUSED_IN_A_ROW = 17;

test("pipelines of HTTP/1.1, and calls that wait for their turn", async () => {
  const { service, good } = await openStage();
  await expectToHold(service, good, [...PIPELINES, WAITING]);
});

test("a hundred addresses scrape metrics, each within its limit", async () => {
  const { service, good } = await openStage();
  await expectToHold(service, good, [SCRAPES_OF_MANY]);
});

test("one address floods the service with HTTP/1.1 requests of many headers", async () => {
  const { service, good } = await openStage();
  await expectToHold(service, good, [FLOOD_OF_HEADERS]);
});

test("an HTTP/1.1 connection is closed when its requests are refused again and again", async () => {
  const { service } = await openStage();
  const peer = await Http1Peer.connect({ port: service.port });
  const requests = Array.from({ length: REQUESTS_AT_ONCE }, () => http1Request("GET", "/nope"));
  for (let batch = 1; batch <= MOST_BATCHES && !peer.isClosed; batch++) {
    peer.send(Buffer.concat(requests));
    const sent = batch * REQUESTS_AT_ONCE;
    await peer.until("answers", () => peer.isClosed || peer.statuses.length === sent);
  }
  await peer.until("the end of the connection", () => peer.isClosed);
  expect(peer.statuses.slice(-REFUSED_IN_A_ROW)).toEqual(Array(REFUSED_IN_A_ROW).fill(429));
  peer.close();
});

test("clients wait for their turn while sixteen others have a thousand calls waiting each", async () => {
  const { service } = await openStage();
  const attacker = new Attacker(service, "");
  await startWaiting(attacker);
  const calls: Promise<GrpcAnswer>[] = [];
  for (let index = 0; index < NEWCOMERS; index++) {
    const connection = new GrpcConnection(service, manyAddresses(index, 10));
    for (let call = 0; call < CALLS_OVER_BURST; call++) {
      calls.push(connection.call("Hello", clusterRequest("newcomer")));
    }
  }
  const answers = await Promise.all(calls);
  expect(answers.filter(({ status }) => status !== GRPC_OK).length, "refused calls").toBe(0);
  attacker.close();
});

test("invented versions of clients do not hide the real ones", async () => {
  const { service } = await openStage();
  for (let index = 0; index < INVENTED_VERSIONS; index++) {
    await callOnce(
      service,
      manyAddresses(index / CALLS_PER_ADDRESS, 6),
      "Hello",
      clusterRequest("invented", `v0.${index}.0`),
    );
  }
  const data = Buffer.from("real");
  const update = updateRequest({ clusterId: "real", affiliateId: "real", data });
  // A node says Hello, publishes, and does so again when it reconnects.
  for (let turn = 0; turn < 2; turn++) {
    await callOnce(service, NEWCOMER, "Hello", clusterRequest("real", "v1.99.0"));
    await callOnce(service, NEWCOMER, "AffiliateUpdate", update);
  }
  const versions = await service.metric("discovery_server_hello_requests_total");
  expect(versions.size).toBeLessThan(INVENTED_VERSIONS);
  expect(Array.from(versions.keys())).toContainEqual(expect.stringContaining('"v1.99"'));
});
