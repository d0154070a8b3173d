/**
 * The memory limit decides how much may be stored: new affiliates are refused in time, and known
 * ones stay.
 * @module
 */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { openStage } from "./harness/abuse-stage.ts";
import { largestUpdate } from "./harness/fill.ts";
import { now } from "./harness/good-node.ts";
import {
  callOnce,
  GRPC_OK,
  GRPC_RESOURCE_EXHAUSTED,
  type GrpcAnswer,
  GrpcConnection,
} from "./harness/grpc-connection.ts";
import { ATTACKER, NEWCOMER, TRUSTED_PROXY } from "./harness/loopback-address.ts";
import { deleteRequest, updateRequest } from "./harness/messages.ts";

/** The heap that Node takes by itself in a container with 512 MiB. */
const SMALL_HEAP_MB = 256;
const BESIDE_HEAP_MB = 100;
/** Ends the loop if nothing is refused. 32,000 once ended a service with this heap. */
const MOST_AFFILIATES = 100_000;
const CALLS_AT_ONCE = 500;
/** Calls after the first refusal. */
const AFTER_REFUSAL = 2000;

const MEMORY_BYTES = 32 * 2 ** 20;

const MANY_CALLS = ["--rate-limit=100000", "--rate-burst=100000"];

test("many addresses fill a small heap with the largest affiliates", async () => {
  const { service, good } = await openStage({
    heapMb: SMALL_HEAP_MB,
    flags: [`--trusted-proxies=${TRUSTED_PROXY}/32`],
  });
  const connection = new GrpcConnection(service, TRUSTED_PROXY);
  // Each cluster from a /48 of its own.
  const headersOf = (index: number) => ({
    "x-real-ip": `2a00:${(index >> 16).toString(16)}:${(index & 0xffff).toString(16)}::1`,
  });
  const answers = await fill((index) =>
    connection.call("AffiliateUpdate", largestUpdate(`filled-${index}`, "a"), {
      headers: headersOf(index),
    }),
  );
  expect(service.process.isAlive).toBe(true);
  expect(statusesOf(answers)).toEqual(new Set([GRPC_OK, GRPC_RESOURCE_EXHAUSTED]));
  expect(service.residentMb).toBeLessThan(SMALL_HEAP_MB + BESIDE_HEAP_MB);

  const refreshed = await connection.call("AffiliateUpdate", largestUpdate("filled-0", "a"), {
    headers: headersOf(0),
  });
  expect(refreshed, "a known affiliate is refreshed").toMatchObject({ status: GRPC_OK });
  const removed = await connection.call("AffiliateDelete", deleteRequest("filled-1", "a"), {
    headers: headersOf(1),
  });
  expect(removed, "a known affiliate is deleted").toMatchObject({ status: GRPC_OK });
  await good.answered(now());
  expect(good.during({ from: 0, to: now() }).failures).toEqual([]);
  connection.close();
});

test("one address that fills the memory leaves room for another", async () => {
  const { service, good } = await openStage({
    flags: [...MANY_CALLS, `--max-memory=${MEMORY_BYTES}`],
  });
  const connection = new GrpcConnection(service, ATTACKER);
  const answers = await fill((index) =>
    connection.call("AffiliateUpdate", largestUpdate(`filled-${index % 100}`, `a-${index}`)),
  );
  expect(statusesOf(answers)).toEqual(new Set([GRPC_OK, GRPC_RESOURCE_EXHAUSTED]));
  const newcomer = await callOnce(
    service,
    NEWCOMER,
    "AffiliateUpdate",
    updateRequest({ clusterId: "new", affiliateId: "new", data: randomBytes(300) }),
  );
  expect(newcomer, "a newcomer publishes").toMatchObject({ status: GRPC_OK });
  const first = answers.findIndex(({ status }) => status === GRPC_OK);
  const refreshed = await connection.call(
    "AffiliateUpdate",
    largestUpdate(`filled-${first % 100}`, `a-${first}`),
  );
  expect(refreshed, "a known affiliate is refreshed").toMatchObject({ status: GRPC_OK });
  await good.answered(now());
  expect(good.during({ from: 0, to: now() }).failures).toEqual([]);
  connection.close();
});

/** Calls concurrently until the first refusal, and a while longer. */
async function fill(one: (index: number) => Promise<GrpcAnswer>): Promise<readonly GrpcAnswer[]> {
  const answers: GrpcAnswer[] = [];
  let next = 0;
  let end = MOST_AFFILIATES;
  const worker = async (): Promise<void> => {
    while (next < end) {
      const index = next++;
      const answer = await one(index);
      answers[index] = answer;
      if (answer.status !== GRPC_OK) end = Math.min(end, index + AFTER_REFUSAL);
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, worker));
  return answers;
}

function statusesOf(answers: readonly GrpcAnswer[]): Set<number | undefined> {
  return new Set(answers.map(({ status }) => status));
}
