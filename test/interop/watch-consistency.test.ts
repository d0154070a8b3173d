/**
 * What a watcher puts together from its messages, in the Go client's way, is what the service lists in the end.
 * @module
 */
import { randomBytes, randomInt } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Probe, ProbeCall, ProbeWatch, SealedAffiliate } from "../harness/processes/probe.ts";
import { SERVICE_KINDS } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

const clusterId = "c";
const OPERATIONS = 400;
const AFFILIATES = 12;
/** Calls under way at once: in an order that nobody knows. */
const AT_ONCE = 8;
/** A watch begins after so many operations. */
const WATCH_EVERY = 40;
const LAST_ID = "last";
/** Changes of each affiliate while a watcher reads nothing: megabytes, more than connections hold. */
const ROUNDS = 300;

describe.each(SERVICE_KINDS)("through the %s service", (serviceKind) => {
  test("watches that begin at any time end up with the same as a list", async () => {
    await using stage = new Stage();
    const probe = stage.probe(await stage.service(serviceKind));
    const watches: ProbeWatch[] = [];
    for (let done = 0; done < OPERATIONS; done += AT_ONCE) {
      if (done % WATCH_EVERY === 0) watches.push(probe.watch(clusterId));
      await Promise.all(Array.from({ length: AT_ONCE }, () => operate(probe)));
    }
    await call(probe, { do: "update", affiliateId: LAST_ID, ttlMs: 600_000 });
    const list = await probe.call({ do: "list", clusterId });
    const expected = byId(list.affiliates ?? []);
    for (const watch of watches) expect(await followed(watch)).toEqual(expected);
  });
});

describe("a watcher that reads nothing while its cluster changes", () => {
  /** Changes every affiliate again and again, then lets the watcher read. */
  async function overtaken(probe: Probe, reader: Probe): Promise<ProbeWatch> {
    const watch = reader.watch(clusterId, { hold: true });
    expect((await watch.message(0)).affiliateCount).toBe(0);
    const round = { clusterId, count: AFFILIATES, dataBytes: 2048, ttlMs: 600_000 };
    for (let i = 0; i < ROUNDS; i += 1) {
      expect(await probe.call({ ...round, do: "fill" })).toMatchObject({ code: "OK" });
    }
    await call(probe, { do: "update", affiliateId: LAST_ID, ttlMs: 600_000 });
    watch.resume();
    return watch;
  }

  test("is cut off by the reference", async () => {
    await using stage = new Stage();
    const service = await stage.service("go");
    const watch = await overtaken(stage.probe(service), stage.probe(service));
    expect(await watch.end()).toMatchObject({ code: "Aborted" });
  });

  test("has the latest state of all from ours, in fewer messages than there were changes", async () => {
    await using stage = new Stage();
    const service = await stage.service("ts");
    const probe = stage.probe(service);
    const watch = await overtaken(probe, stage.probe(service));
    const known = await followed(watch);
    const list = await probe.call({ do: "list", clusterId });
    expect(known).toEqual(byId(list.affiliates ?? []));
    expect(watch.messages.length).toBeLessThan((ROUNDS * AFFILIATES) / 2);
  });
});

/** An update with data, with endpoints, with both or with nothing, or a delete, of any affiliate. */
function operate(probe: Probe): Promise<void> {
  const affiliateId = `affiliate-${randomInt(AFFILIATES)}`;
  if (randomInt(3) === 0) return call(probe, { do: "delete", affiliateId });
  const endpoints = Array.from({ length: randomInt(3) }, () => Buffer.alloc(16, randomInt(9)));
  return call(probe, {
    do: "update",
    affiliateId,
    ttlMs: 600_000,
    ...(randomInt(2) === 0 && { data: randomBytes(32).toString("base64") }),
    endpoints: endpoints.map((bytes) => bytes.toString("base64")),
  });
}

async function call(probe: Probe, call: ProbeCall): Promise<void> {
  const metadata = { "x-real-ip": `10.95.${randomInt(256)}.${randomInt(256)}` };
  expect(await probe.call({ ...call, clusterId, metadata })).toMatchObject({ code: "OK" });
}

/** The state after all messages up to the one that tells of the last affiliate. */
async function followed(watch: ProbeWatch): Promise<ReadonlyMap<string, SealedAffiliate>> {
  const known = new Map<string, SealedAffiliate>();
  for (let index = 0; !known.has(LAST_ID); index += 1) {
    const { affiliates = [], deleted } = await watch.message(index);
    for (const affiliate of affiliates) {
      if (deleted) known.delete(affiliate.id);
      else known.set(affiliate.id, affiliate);
    }
  }
  return known;
}

function byId(affiliates: readonly SealedAffiliate[]): ReadonlyMap<string, SealedAffiliate> {
  return new Map(affiliates.map((affiliate) => [affiliate.id, affiliate]));
}
