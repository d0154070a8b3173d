/**
 * No encoding of an answer is so costly that one client within its limits slows down others.
 * @module
 */
import { expect, test } from "vitest";
import { answerBytes, COSTLY_ANSWERS } from "./attacks/costly-answers.ts";
import { openFullStage } from "./harness/abuse-stage.ts";
import { Attacker } from "./harness/attacker.ts";
import { ask, STREAM_ENCODINGS, UNARY_ENCODINGS } from "./harness/encodings.ts";
import { FULL_CLUSTER } from "./harness/fill.ts";
import { callOnce, GRPC_OK } from "./harness/grpc-connection.ts";
import type { Http2Peer } from "./harness/http2-peer.ts";
import { NEWCOMER } from "./harness/loopback-address.ts";
import { clusterRequest } from "./harness/messages.ts";
import { expectToHold } from "./harness/row.ts";

/** All answers below are 12 times the size of a full cluster. */
const BYTES_BURST = 10_000_000;
const BYTES_PER_SECOND = 2_000_000;
const PACED_SECONDS = 3;

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

test("bytes for one address are paced: nothing is refused, and nobody else waits", async () => {
  const { service, fullCluster } = await openFullStage({
    flags: [`--client-bytes-per-second=${BYTES_PER_SECOND}`, `--client-bytes-burst=${BYTES_BURST}`],
  });
  const attacker = new Attacker(service, fullCluster);
  const peers: Http2Peer[] = [];
  for (const encoding of UNARY_ENCODINGS) {
    const peer = await attacker.http2();
    ask(peer, "List", encoding, fullCluster);
    peers.push(peer);
  }
  for (const encoding of STREAM_ENCODINGS) {
    const peer = await attacker.http2();
    ask(peer, "Watch", encoding, fullCluster);
    peers.push(peer);
  }
  await attacker.hold(PACED_SECONDS);
  expect(attacker.receivedBytes).toBeLessThan(BYTES_BURST + 2 * PACED_SECONDS * BYTES_PER_SECOND);
  const resets = peers.flatMap(({ streams }) =>
    Array.from(streams.values()).filter(({ resetCode }) => resetCode !== undefined),
  );
  expect(resets).toEqual([]);
  const other = await callOnce(service, NEWCOMER, "List", clusterRequest(fullCluster));
  expect(other).toMatchObject({ status: GRPC_OK });
  attacker.close();
});
