/**
 * Adds 100,000 affiliates to a registry that has as many, and prints by how much the process grows
 * for each: RSS, heap and external memory.
 * Run by `memory.ts`, and by hand to measure `AFFILIATE_OVERHEAD_BYTES`:
 *
 * `node --expose-gc bench/cases/memory-state-process.ts typical|largest|empty [PER_CLUSTER] [COUNT]`
 * @module
 */
import { MemoryRegistry } from "../../src/registry/index.ts";

const SIZES = {
  /** A node with two or three addresses and KubeSpan. */
  typical: { dataBytes: 400, endpoints: 3, endpointBytes: 32 },
  /** All that the limits allow. */
  largest: { dataBytes: 2048, endpoints: 64, endpointBytes: 32 },
  /** What each takes besides its bytes. */
  empty: { dataBytes: 0, endpoints: 0, endpointBytes: 0 },
} as const;

const size = SIZES[process.argv[2] as keyof typeof SIZES];
const perCluster = Number(process.argv[3] ?? 10);
const count = Number(process.argv[4] ?? 100_000);

const registry = new MemoryRegistry({ limits: { maxClusters: 1e6, maxAffiliates: 1e6 } });
// As many come before: code is compiled by then, and the heap's young generation, which takes up to
// 64 MB whatever is kept, has its size.
for (let i = 0; i < count; i++) registry.update(request(i), callOptions(i));
const before = usedBytes();
for (let i = count; i < 2 * count; i++) registry.update(request(i), callOptions(i));
const after = usedBytes();

const payloadBytes = size.dataBytes + size.endpoints * size.endpointBytes;
console.log(
  JSON.stringify({
    payloadBytes,
    rssBytes: (after.rss - before.rss) / count,
    heapBytes: (after.heapUsed - before.heapUsed) / count,
    externalBytes: (after.external - before.external) / count,
    affiliates: registry.totals().affiliates,
  }),
);

function request(index: number) {
  return {
    clusterId: clusterOf(index),
    affiliateId: idOf(index),
    data: filled(size.dataBytes, index),
    endpoints: Array.from({ length: size.endpoints }, (_, i) => filled(size.endpointBytes, i)),
    ttlMs: 1_800_000,
  };
}

/** One of a thousand clients, as text of the call's own. */
function callOptions(index: number) {
  return { client: () => ({ client: `203.0.113.${index % 1000}` }) };
}

/** As long as a node ID, and a text of its own, as a decoded one is. */
function idOf(index: number): string {
  return Buffer.from(`node-${index}`.padEnd(44, "x")).toString();
}

function clusterOf(index: number): string {
  return Buffer.from(`cluster-${Math.floor(index / perCluster)}`.padEnd(44, "x")).toString();
}

function filled(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(seed & 0xff);
  if (length > 0) bytes[0] = (seed >> 8) & 0xff;
  return bytes;
}

function usedBytes(): NodeJS.MemoryUsage {
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc");
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage();
}
