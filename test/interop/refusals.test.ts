/**
 * The same requests to the reference and to ours: codes and texts are equal, but where the protocol notes ask for
 * something else, which is listed by name.
 * @module
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Probe, ProbeAnswer, ProbeCall } from "../harness/processes/probe.ts";
import { Stage } from "../harness/processes/stage.ts";

const MAX_TTL_MS = 1_800_000;

interface Case {
  readonly name: string;
  /** Made one after the other; the outcome of the last is compared. The cluster is a fresh one where none is named. */
  readonly calls: readonly ProbeCall[];
}

interface Outcome {
  readonly code: string | undefined;
  readonly message: string | undefined;
}

interface Difference extends Case {
  readonly why: string;
  readonly reference: Outcome;
  readonly ours: Outcome;
}

const OK: Outcome = { code: "OK", message: undefined };
const update: ProbeCall = { do: "update", affiliateId: "a", ttlMs: 60_000 };

const sameCases: readonly Case[] = [
  ...(["hello", "update", "delete", "list", "watch"] as const).flatMap((method) => [
    one(`${method} without a cluster ID`, { do: method, clusterId: "", affiliateId: "a" }),
    one(`${method} with a cluster ID of 256 bytes`, idCall(method, "c".repeat(256))),
    one(`${method} with a cluster ID of 257 bytes`, idCall(method, "c".repeat(257))),
    one(`${method} with a cluster ID of 128 letters of 2 bytes`, idCall(method, "ä".repeat(128))),
    one(`${method} with a cluster ID of 129 letters of 2 bytes`, idCall(method, "ä".repeat(129))),
  ]),
  ...(["update", "delete"] as const).flatMap((method) => [
    one(`${method} without an affiliate ID`, { do: method, affiliateId: "" }),
    one(`${method} with an affiliate ID of 256 bytes`, {
      do: method,
      affiliateId: "a".repeat(256),
    }),
    one(`${method} with an affiliate ID of 257 bytes`, {
      do: method,
      affiliateId: "a".repeat(257),
    }),
    one(`${method} without any ID`, { do: method, clusterId: "", affiliateId: "" }),
    one(`${method} with both IDs too long`, {
      do: method,
      clusterId: "c".repeat(257),
      affiliateId: "a".repeat(257),
    }),
  ]),
  one("hello without a version", { do: "hello" }),
  one("hello with an odd version", { do: "hello", clientVersion: "v".repeat(1000) }),
  one("update without anything but IDs", { do: "update", affiliateId: "a" }),
  one("update with data of 2048 bytes", { ...update, data: bytes(2048) }),
  one("update with data of 2049 bytes", { ...update, data: bytes(2049) }),
  one("update with an endpoint of 32 bytes", { ...update, endpoints: [bytes(32)] }),
  one("update with an endpoint of 33 bytes", { ...update, endpoints: [bytes(33)] }),
  one("update with an empty endpoint", { ...update, endpoints: [""] }),
  one("update with a TTL of 30 minutes", { ...update, ttlMs: MAX_TTL_MS }),
  one("update with a TTL of 30 minutes and 1 ms", { ...update, ttlMs: MAX_TTL_MS + 1 }),
  one("update with a TTL of 0", { ...update, ttlMs: 0 }),
  one("update with 64 endpoints", { ...update, endpoints: many(64) }),
  one("update with 65 endpoints", { ...update, endpoints: many(65) }),
  {
    name: "update with a 65th endpoint",
    calls: [
      { ...update, endpoints: many(64) },
      { ...update, endpoints: [bytes(32)] },
    ],
  },
  {
    name: "update with 64 endpoints that are known",
    calls: Array.from({ length: 2 }, () => ({ ...update, endpoints: fixed(64) })),
  },
  one("update with the same endpoint 65 times", {
    ...update,
    endpoints: Array(65).fill(bytes(16)),
  }),
  one("data and endpoint too big", { ...update, data: bytes(2049), endpoints: [bytes(33)] }),
  one("data too big and TTL too large", { ...update, data: bytes(2049), ttlMs: MAX_TTL_MS + 1 }),
  one("endpoint too big and TTL too large", {
    ...update,
    endpoints: [bytes(33)],
    ttlMs: MAX_TTL_MS + 1,
  }),
  one("too many endpoints and TTL too large", {
    ...update,
    endpoints: many(65),
    ttlMs: MAX_TTL_MS + 1,
  }),
  one("one of 65 endpoints too big", { ...update, endpoints: [...many(64), bytes(33)] }),
  {
    name: "a 1024th affiliate",
    calls: [fill(1023), { ...update, data: bytes(16) }],
  },
  {
    name: "a 1025th affiliate",
    calls: [fill(1024), { ...update, data: bytes(16) }],
  },
  {
    name: "an affiliate of a full cluster",
    calls: [fill(1024), { ...update, affiliateId: "affiliate-0007", data: bytes(16) }],
  },
  one("delete of what is not there", { do: "delete", affiliateId: "a" }),
  one("list of an unknown cluster", { do: "list" }),
  one("a TTL beyond what a duration holds", {
    do: "raw",
    method: method("AffiliateUpdate"),
    // cluster_id "c", affiliate_id "a", ttl.seconds = 2^62.
    body: hex("0a0163 120161 2a0a 08808080808080808040"),
  }),
  one("fields that nobody knows", {
    do: "raw",
    method: method("AffiliateUpdate"),
    // cluster_id "c", affiliate_id "a", field 99 of 3 bytes.
    body: hex("0a0163 120161 9a0603 010203"),
  }),
];

const differences: readonly Difference[] = [
  {
    ...one("update with a negative TTL", { ...update, ttlMs: -1000 }),
    why: "an affiliate that has expired before it is there is a caller's mistake",
    reference: OK,
    ours: { code: "InvalidArgument", message: "ttl is negative" },
  },
];

/** Statuses that come from the RPC libraries: the code tells a caller what to do, the words are theirs. */
const codeCases: readonly Case[] = [
  one("a method that does not exist", { do: "raw", method: method("Nothing"), body: "" }),
  one("a service that does not exist", { do: "raw", method: "/no.such.Service/Hello", body: "" }),
  one("bytes that are no message", { do: "raw", method: method("Hello"), body: hex("ffffffff") }),
  one("a message that is cut", { do: "raw", method: method("Hello"), body: hex("0a05 6162") }),
  one("a message of 5 MiB", { ...update, data: bytes(5 * 1024 * 1024) }),
];

const codeDifferences: readonly Difference[] = [
  {
    ...one("a cluster ID that is no UTF-8", {
      do: "raw",
      method: method("Hello"),
      body: hex("0a02 c328"),
    }),
    why: "a string of proto3 is UTF-8, and IDs are compared as text",
    reference: OK,
    ours: { code: "Internal", message: undefined },
  },
];

describe("the reference and ours", () => {
  const stage = new Stage();
  let reference: Probe;
  let ours: Probe;

  beforeAll(async () => {
    reference = stage.probe(await stage.service("go"));
    ours = stage.probe(await stage.service("ts"));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test.each(sameCases)("answer alike: $name", async ({ calls }) => {
    expect(await outcome(ours, calls)).toEqual(await outcome(reference, calls));
  });

  test.each(codeCases)("answer with the same code: $name", async ({ calls }) => {
    const expected = await outcome(reference, calls);
    expect(expected.code).not.toBe("OK");
    expect((await outcome(ours, calls)).code).toBe(expected.code);
  });

  test.each(differences)("differ on purpose: $name, since $why", async (difference) => {
    expect(await outcome(reference, difference.calls)).toEqual(difference.reference);
    expect(await outcome(ours, difference.calls)).toEqual(difference.ours);
  });

  test.each(codeDifferences)("differ in the code: $name, since $why", async (difference) => {
    expect((await outcome(reference, difference.calls)).code).toBe(difference.reference.code);
    expect((await outcome(ours, difference.calls)).code).toBe(difference.ours.code);
  });
});

/** Makes the calls, each from an address of its own, so that no rate limit plays a part. */
async function outcome(probe: Probe, calls: readonly ProbeCall[]): Promise<Outcome> {
  const clusterId = randomBytes(32).toString("base64");
  let last: ProbeAnswer | undefined;
  for (const call of calls) {
    const metadata = { "x-real-ip": `10.98.${[...randomBytes(2)].join(".")}` };
    // A fill has an address for each of its calls.
    const complete = { clusterId, ...(call.do !== "fill" && { metadata }), ...call };
    last = call.do === "watch" ? await watchOutcome(probe, complete) : await probe.call(complete);
  }
  return { code: last?.code, message: last?.message };
}

/** A watch that is accepted has a first message; then it is canceled. */
async function watchOutcome(probe: Probe, call: ProbeCall): Promise<ProbeAnswer> {
  const watch = probe.watch(call.clusterId ?? "", call);
  const first = await Promise.race([watch.message(0).catch(() => undefined), watch.end()]);
  if (first?.event === "end") return first;
  watch.cancel();
  await watch.end();
  return { ...(first as ProbeAnswer), code: "OK" };
}

function one(name: string, call: ProbeCall): Case {
  return { name, calls: [call] };
}

function idCall(method: ProbeCall["do"], clusterId: string): ProbeCall {
  return { do: method, clusterId, affiliateId: "a", ttlMs: 1000 };
}

function method(name: string): string {
  return `/sidero.discovery.server.Cluster/${name}`;
}

function hex(text: string): string {
  return Buffer.from(text.replaceAll(" ", ""), "hex").toString("base64");
}

function bytes(size: number): string {
  return randomBytes(size).toString("base64");
}

function many(count: number): string[] {
  return Array.from({ length: count }, () => bytes(32));
}

function fixed(count: number): string[] {
  return Array.from({ length: count }, (_, i) => Buffer.alloc(16, i).toString("base64"));
}

function fill(count: number): ProbeCall {
  return { do: "fill", count, dataBytes: 16, endpointCount: 0, endpointBytes: 0, ttlMs: 60_000 };
}
