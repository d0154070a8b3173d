/**
 * Where the reference falls short and ours must not: the same calls to both, and what each makes of them.
 * @see docs/protocol.md
 * @module
 */
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Probe, ProbeAnswer, ProbeCall } from "../harness/processes/probe.ts";
import { SERVICE_KINDS } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

const clusterId = "c";
const lasting: ProbeCall = { do: "update", clusterId, affiliateId: "a", ttlMs: 600_000 };
const brief: ProbeCall = { ...lasting, ttlMs: 1000 };
const kept = bytes(16);
const short = bytes(16);
const data = bytes(64);

describe("when one endpoint expires", () => {
  async function announced(probe: Probe): Promise<ProbeAnswer> {
    await probe.call({ ...lasting, data, endpoints: [kept] });
    await probe.call({ ...brief, endpoints: [short] });
    const watch = probe.watch(clusterId);
    expect((await watch.message(0)).affiliates?.[0]?.endpoints).toEqual([kept, short]);
    const message = await watch.message(1);
    const list = await probe.call({ do: "list", clusterId });
    expect(list.affiliates).toEqual([{ id: "a", data, endpoints: [kept] }]);
    return message;
  }

  test("the reference tells that the whole affiliate is deleted", async () => {
    await using stage = new Stage();
    const message = await announced(stage.probe(await stage.service("go")));
    expect(message).toMatchObject({ deleted: true, affiliates: [{ id: "a" }] });
  });

  test("ours tells what is left", async () => {
    await using stage = new Stage();
    const message = await announced(stage.probe(await stage.service("ts")));
    expect(message.deleted).toBeUndefined();
    expect(message.affiliates).toEqual([{ id: "a", data, endpoints: [kept] }]);
  });
});

describe("a refresh with the same bytes", () => {
  /** How many messages three refreshes cause. */
  async function messages(probe: Probe): Promise<number> {
    await probe.call({ ...lasting, data, endpoints: [kept] });
    const watch = probe.watch(clusterId);
    await watch.message(0);
    for (let i = 0; i < 3; i += 1) await probe.call({ ...lasting, data, endpoints: [kept] });
    await probe.call({ ...lasting, affiliateId: "last" });
    for (let index = 1; ; index += 1) {
      const message = await watch.message(index);
      if (message.affiliates?.[0]?.id === "last") return index - 1;
    }
  }

  test.each([
    { kind: "go", count: 3 },
    { kind: "ts", count: 0 },
  ] as const)("is announced $count times of 3 by the $kind service", async ({ kind, count }) => {
    await using stage = new Stage();
    expect(await messages(stage.probe(await stage.service(kind)))).toBe(count);
  });
});

describe("an update that is refused for too many endpoints", () => {
  async function left(probe: Probe): Promise<ProbeAnswer> {
    const endpoints = Array.from({ length: 65 }, () => bytes(16));
    const refused = await probe.call({ ...lasting, data, endpoints });
    expect(refused).toMatchObject({
      code: "ResourceExhausted",
      message: "too many endpoints in the affiliate",
    });
    return probe.call({ do: "list", clusterId });
  }

  test("has been applied in part by the reference", async () => {
    await using stage = new Stage();
    const list = await left(stage.probe(await stage.service("go")));
    expect(list.affiliates?.[0]).toMatchObject({ id: "a", data });
  });

  test("has changed nothing in ours", async () => {
    await using stage = new Stage();
    const list = await left(stage.probe(await stage.service("ts")));
    expect(list.affiliateCount).toBe(0);
  });
});

describe("a list", () => {
  test("is in the order of first registration in ours", async () => {
    await using stage = new Stage();
    const probe = stage.probe(await stage.service("ts"));
    const ids = Array.from({ length: 30 }, () => bytes(12));
    for (const affiliateId of ids) await probe.call({ ...lasting, affiliateId });
    await probe.call({ ...lasting, affiliateId: ids[3] ?? "", data });
    const list = await probe.call({ do: "list", clusterId });
    expect(list.affiliates?.map(({ id }) => id)).toEqual(ids);
  });
});

describe("a compressed request", () => {
  test.each([
    { kind: "go", code: "Unimplemented" },
    { kind: "ts", code: "OK" },
  ] as const)("is $code for the $kind service", async ({ kind, code }) => {
    await using stage = new Stage();
    const probe = stage.probe(await stage.service(kind), { gzip: true });
    expect(await probe.call({ ...lasting, data })).toMatchObject({ code });
  });
});

describe("HTTP/1.1 on the plaintext port", () => {
  test.each(SERVICE_KINDS)("is answered by ours alone: %s", async (kind) => {
    await using stage = new Stage();
    const { url } = await stage.service(kind);
    const signal = AbortSignal.timeout(5000);
    const status = await fetch(url, { signal }).then(
      (response) => response.status,
      () => "no answer",
    );
    expect(status).toBe(kind === "ts" ? 200 : "no answer");
  });
});

function bytes(size: number): string {
  return randomBytes(size).toString("base64");
}
