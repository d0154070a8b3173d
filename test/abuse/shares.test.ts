/**
 * A client may hold at most as much as is still free: one client gets at most half, and a newcomer
 * always gets something. What a client already holds is never taken away.
 * @module
 */
import { expect, test } from "vitest";
import { type AbuseStage, openStage } from "./harness/abuse-stage.ts";
import type { AttackedOptions } from "./harness/attacked-service.ts";
import { Attacker } from "./harness/attacker.ts";
import { now } from "./harness/good-node.ts";
import {
  callOnce,
  GRPC_OK,
  GRPC_RESOURCE_EXHAUSTED,
  type GrpcAnswer,
  GrpcConnection,
} from "./harness/grpc-connection.ts";
import type { Http2Peer } from "./harness/http2-peer.ts";
import { ATTACKER, ATTACKER_IPV6, NEWCOMER, TRUSTED_PROXY } from "./harness/loopback-address.ts";
import { clusterRequest, deleteRequest, updateRequest } from "./harness/messages.ts";
import { waitUntil } from "./harness/raw-peer.ts";

/** Ceiling of each kind; small, so that it is reached quickly. */
const CEILING = 400;
const HALF = CEILING / 2;
/** Attempts of the attacker. */
const ATTEMPTS = CEILING + 20;

const FLAGS = [
  "--rate-limit=5000",
  "--rate-burst=5000",
  `--trusted-proxies=${TRUSTED_PROXY}/32`,
  `--max-watches-per-client=${CEILING}`,
] as const;

test("one address takes at most half of the connections", async () => {
  const { stage, attacker } = await openWith(`--max-connections=${CEILING}`);
  const opened = new Set<number>();
  const held = await takeConnections(attacker, opened);
  expect(held).toBeLessThanOrEqual(HALF);
  expect(held).toBeGreaterThan(HALF / 2);
  await expectRoomForNewcomer(stage);
  // More attempts do not change that.
  expect(await takeConnections(attacker, opened)).toBeLessThanOrEqual(HALF);
  await expectRoomForNewcomer(stage);
  attacker.close();
});

test("an address of IPv6 takes at most half of the connections of all addresses", async () => {
  const { stage, attacker } = await openWith(`--max-connections=${CEILING}`, {
    listensOnAll: true,
  });
  const held = await takeConnections(attacker, new Set(), ATTACKER_IPV6);
  expect(held).toBeLessThanOrEqual(HALF);
  expect(held).toBeGreaterThan(HALF / 2);
  // IPv4 clients of such a socket (`::ffff:127.0.0.220`) are not one network of IPv6.
  expect(await takeConnections(attacker, new Set(), ATTACKER)).toBeGreaterThan(HALF / 4);
  await expectRoomForNewcomer(stage);
  attacker.close();
});

test("one address takes at most half of the watches, and keeps them", async () => {
  const { stage } = await openWith(`--max-watches=${CEILING}`);
  const connection = new GrpcConnection(stage.service, ATTACKER);
  const watches = Array.from({ length: ATTEMPTS }, (_, index) =>
    connection.watch(`cluster-${index % 10}`),
  );
  await Promise.all(watches.map((watch) => watch.began()));
  const held = watches.filter(({ isEnded }) => !isEnded);
  expect(held.length).toBeLessThanOrEqual(HALF);
  expect(held.length).toBeGreaterThan(HALF / 2);
  const refused = watches.filter(({ isEnded }) => isEnded);
  expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([GRPC_RESOURCE_EXHAUSTED]));
  await expectRoomForNewcomer(stage);
  expect(held.filter(({ isEnded }) => isEnded)).toEqual([]);
  connection.close();
});

test("one address takes at most half of the clusters, and keeps them", async () => {
  const { stage } = await openWith(`--max-clusters=${CEILING}`);
  await expectHalf(stage, ATTACKER, (index) => ({
    clusterId: `taken-${index}`,
    affiliateId: "a",
  }));
});

test("one address takes at most half of the affiliates, and keeps them", async () => {
  const { stage } = await openWith(`--max-affiliates=${CEILING}`);
  await expectHalf(stage, ATTACKER, (index) => ({
    clusterId: `taken-${index % 5}`,
    affiliateId: `a-${index}`,
  }));
});

test("the networks of one IPv6 /48 take at most half of the clusters together", async () => {
  const { stage } = await openWith(`--max-clusters=${CEILING}`);
  await expectHalf(
    stage,
    TRUSTED_PROXY,
    (index) => ({ clusterId: `taken-${index}`, affiliateId: "a" }),
    (index) => ({ "x-real-ip": `2001:db8:1:${index.toString(16)}::1` }),
  );
});

test("watches of clusters that do not exist take no place of one", async () => {
  const { stage } = await openWith(`--max-clusters=${CEILING}`);
  const connection = new GrpcConnection(stage.service, ATTACKER);
  const watches = Array.from({ length: ATTEMPTS }, (_, index) =>
    connection.watch(`watched-${index}`),
  );
  await Promise.all(watches.map((watch) => watch.began()));
  await expectRoomForNewcomer(stage);
  connection.close();
});

async function openWith(
  flag: string,
  options: AttackedOptions = {},
): Promise<{
  readonly stage: AbuseStage;
  readonly attacker: Attacker;
}> {
  const stage = await openStage({ ...options, flags: [...FLAGS, flag] });
  return { stage, attacker: new Attacker(stage.service, "") };
}

/** @returns How many of `opened`, to which it adds, are open in the end. */
async function takeConnections(
  attacker: Attacker,
  opened: Set<number>,
  localAddress: string = ATTACKER,
): Promise<number> {
  const peers: Http2Peer[] = [];
  for (let i = 0; i < ATTEMPTS; i++) peers.push(await attacker.http2({ localAddress }));
  // The service has answered each, or closed it.
  await waitUntil("all are answered", () =>
    peers.every((peer) => peer.isClosed || peer.receivedBytes > 0),
  );
  for (const { localPort } of peers) opened.add(localPort);
  return Array.from(attacker.target.heldPeers()).filter((port) => opened.has(port)).length;
}

/** Publishes until it is refused: at half; known affiliates still refresh, and others get in. */
async function expectHalf(
  stage: AbuseStage,
  localAddress: string,
  nameOf: (index: number) => { readonly clusterId: string; readonly affiliateId: string },
  headersOf: (index: number) => Readonly<Record<string, string>> = () => ({}),
): Promise<void> {
  const connection = new GrpcConnection(stage.service, localAddress);
  const publish = (index: number): Promise<GrpcAnswer> =>
    connection.call(
      "AffiliateUpdate",
      updateRequest({ ...nameOf(index), data: Buffer.from(`data ${index}`) }),
      { headers: headersOf(index) },
    );
  const statuses: (number | undefined)[] = [];
  // One after the other: the first are those that are taken.
  for (let index = 0; index < ATTEMPTS; index++) statuses.push((await publish(index)).status);
  const taken = statuses.filter((status) => status === GRPC_OK).length;
  expect(new Set(statuses)).toEqual(new Set([GRPC_OK, GRPC_RESOURCE_EXHAUSTED]));
  expect(taken).toBeLessThanOrEqual(HALF);
  expect(taken).toBeGreaterThan(HALF / 2);
  await expectRoomForNewcomer(stage);

  for (const index of [0, taken - 1]) {
    expect((await publish(index)).status, `refresh of ${index}`).toBe(GRPC_OK);
  }
  const { clusterId, affiliateId } = nameOf(0);
  const removed = await connection.call("AffiliateDelete", deleteRequest(clusterId, affiliateId), {
    headers: headersOf(0),
  });
  expect(removed.status).toBe(GRPC_OK);
  connection.close();
}

/** A newcomer publishes in a cluster of its own and watches it; no call of the good node failed. */
async function expectRoomForNewcomer({ service, good }: AbuseStage): Promise<void> {
  const clusterId = `new-${performance.now()}`;
  const data = Buffer.from("new");
  const published = await callOnce(
    service,
    NEWCOMER,
    "AffiliateUpdate",
    updateRequest({ clusterId, affiliateId: "new", data }),
  );
  expect(published, "a newcomer publishes").toMatchObject({ status: GRPC_OK });
  const listed = await callOnce(service, NEWCOMER, "List", clusterRequest(clusterId));
  expect(listed, "a newcomer lists").toMatchObject({ status: GRPC_OK });
  const connection = new GrpcConnection(service, NEWCOMER);
  const watch = connection.watch(clusterId);
  await watch.began();
  expect(watch.isEnded, "a newcomer's watch has ended").toBe(false);
  connection.close();
  await good.answered(now());
  expect(good.during({ from: 0, to: now() }).failures).toEqual([]);
}
