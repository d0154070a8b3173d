/**
 * Snapshot files that one service has saved and the other one loads.
 * @module
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import { randomAffiliate, randomEndpoints } from "../harness/cluster/random-affiliate.ts";
import { OUR_CLI } from "../harness/paths.ts";
import { createCluster } from "../harness/processes/nodes.ts";
import type { ProbeAnswer } from "../harness/processes/probe.ts";
import { SERVICE_KINDS, type Service } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

const VECTORS = resolve(import.meta.dirname, "../vectors");
const LONG_TTL_MS = 1_800_000;
/** Whole seconds, cut off, and a machine that takes its time. */
const TTL_SLACK_SECONDS = 60;

const run = promisify(execFile);

async function snapshotPath(stage: Stage): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "talos-discovery-interop-"));
  // Gone after the services, which save at their end.
  stage.use({ [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) });
  return join(folder, "state.binpb");
}

interface Decoded {
  readonly clusters?: readonly {
    readonly id: string;
    readonly affiliates: readonly { readonly id: string; readonly ttl: string }[];
  }[];
}

/** The reference's word on a file. */
async function decodedByReference(path: string): Promise<Decoded> {
  const { stdout } = await run(inject("binaries").decoder, [`-snapshot-path=${path}`]);
  return JSON.parse(stdout) as Decoded;
}

async function shownByOurs(path: string): Promise<Decoded> {
  const args = [OUR_CLI, "snapshot", "show", path, "-o", "json"];
  return JSON.parse((await run(process.execPath, args)).stdout) as Decoded;
}

function secondsLeft({ clusters = [] }: Decoded): Map<string, number> {
  return new Map(
    clusters.flatMap(({ affiliates }) =>
      affiliates.map(({ id, ttl }) => [id, Number.parseInt(ttl, 10)] as const),
    ),
  );
}

/** Puts into a service what a snapshot can hold; resolves with the clusters. */
async function fill(stage: Stage, service: Service): Promise<string[]> {
  const cluster = createCluster();
  const nodes = (["go", "ts"] as const).map((kind) =>
    stage.node(kind, service, cluster, { ttlMs: LONG_TTL_MS }),
  );
  const published = nodes.map((node) => node.publish(randomAffiliate(), randomEndpoints()));
  for (const [i, node] of nodes.entries()) {
    await node.sees(...published.filter((_, other) => other !== i));
  }
  // They would only take themselves back to a service that is started anew.
  await Promise.all(nodes.map((node) => node.process.kill()));

  const probe = stage.probe(service);
  const base64 = (fill: number, bytes: number) => Buffer.alloc(bytes, fill).toString("base64");
  const calls = [
    { clusterId: "one", affiliateId: "largest", data: base64(1, 2048), ttlMs: LONG_TTL_MS },
    { clusterId: "one", affiliateId: "no-data", endpoints: [base64(2, 32)], ttlMs: 100_000 },
    { clusterId: "one", affiliateId: "nothing-but-a-name", ttlMs: 200_000 },
    { clusterId: "ünïcode ✓", affiliateId: "✓", data: base64(3, 100), ttlMs: 300_000 },
    {
      clusterId: "ünïcode ✓",
      affiliateId: "many",
      endpoints: Array.from({ length: 64 }, (_, i) => base64(i, 16)),
      ttlMs: 400_000,
    },
  ];
  for (const call of calls)
    expect(await probe.call({ do: "update", ...call })).toMatchObject({ code: "OK" });
  return [cluster.clusterId, "one", "ünïcode ✓"];
}

/** All that a service lists of these clusters. The reference's order is random. */
async function listed(stage: Stage, service: Service, clusterIds: readonly string[]) {
  const probe = stage.probe(service);
  const clusters: Record<string, ProbeAnswer["affiliates"]> = {};
  for (const clusterId of clusterIds) {
    const { affiliates = [] } = await probe.call({ do: "list", clusterId });
    clusters[clusterId] = [...affiliates].sort((a, b) => (a.id < b.id ? -1 : 1));
  }
  return clusters;
}

test.each([
  ["go", "ts"],
  ["ts", "go"],
  ["ts", "ts"],
] as const)(
  "a file saved by the %s service at its end loads in the %s service, whole",
  async (from, to) => {
    await using stage = new Stage();
    const path = await snapshotPath(stage);
    const first = await stage.service(from, { snapshotPath: path });
    const clusterIds = await fill(stage, first);
    const before = await listed(stage, first, clusterIds);
    expect(Object.values(before).map((affiliates) => affiliates?.length)).toEqual([2, 3, 2]);
    expect(await first.process.terminate()).toBe(0);
    const saved = secondsLeft(await decodedByReference(path));
    expect(await shownByOurs(path)).toEqual(await decodedByReference(path));

    const second = await stage.service(to, { snapshotPath: path });
    expect(await listed(stage, second, clusterIds)).toEqual(before);
    expect(await second.process.terminate()).toBe(0);
    const savedAgain = secondsLeft(await decodedByReference(path));
    expect(savedAgain.size).toBe(7);
    for (const [id, seconds] of savedAgain) {
      // Ours prolongs a life of less than 5 minutes for the restart; the longest is what was asked for.
      const expected = to === "ts" ? Math.max(saved.get(id) ?? 0, 300) : (saved.get(id) ?? 0);
      expect(seconds, id).toBeLessThanOrEqual(expected);
      expect(seconds, id).toBeGreaterThanOrEqual(expected - TTL_SLACK_SECONDS);
    }
  },
);

test.each(["snapshot-ttl.binpb", "snapshot-expiration.binpb"])(
  "snapshot show prints %s as the reference's decoder does, to the letter but for spaces",
  async (name) => {
    const path = join(VECTORS, name);
    const squeezed = (text: string) => text.replaceAll(/\s+/g, "");
    const theirs = await run(inject("binaries").decoder, [`-snapshot-path=${path}`]);
    const ours = await run(process.execPath, [OUR_CLI, "snapshot", "show", path, "-o", "json"]);
    expect(squeezed(ours.stdout)).toBe(squeezed(theirs.stdout));
  },
);

test.each(SERVICE_KINDS)(
  "of a cut file the %s service keeps the clusters before the cut",
  async (kind) => {
    await using stage = new Stage();
    const path = await snapshotPath(stage);
    const whole = await readFile(join(VECTORS, "snapshot-ttl.binpb"));
    await writeFile(path, whole.subarray(0, -1));
    const service = await stage.service(kind, { snapshotPath: path });
    const kept = await listed(stage, service, ["cluster-0", "cluster-1", "cluster-2"]);
    expect(Object.values(kept).map((affiliates) => affiliates?.length)).toEqual([1, 3, 0]);
  },
);
