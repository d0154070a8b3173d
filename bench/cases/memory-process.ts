/**
 * Fills one registry with 10,000 affiliates, and prints how much memory each takes. Run by `memory.ts`.
 *
 * Requests are let go, as a server's are; what counts is what the registry has kept: heap and array buffers after two
 * full collections.
 * @module
 */
import { createHash } from "node:crypto";
import { MemoryRegistry } from "../../src/registry/index.ts";
import { NaiveRegistry } from "../twins/naive-registry.ts";
import { updateRequest } from "../twins/requests.ts";

const AFFILIATES = 10_000;

/** Clusters are small, mostly. */
const AFFILIATES_PER_CLUSTER = 10;

const registry =
  process.argv[2] === "ours" ? new MemoryRegistry() : new NaiveRegistry(() => performance.now());

// Whatever is loaded and compiled on the first call is no affiliate's.
for (let i = 0; i < AFFILIATES_PER_CLUSTER; i++) registry.update(request(-1 - i));
const before = usedBytes();
for (let i = 0; i < AFFILIATES; i++) registry.update(request(i));
const after = usedBytes();

const digest = createHash("sha256");
for (let i = 0; i < AFFILIATES; i += AFFILIATES_PER_CLUSTER) {
  for (const { id, data, endpoints } of registry.list(clusterOf(i))) {
    digest.update(`${id} ${data.length} ${endpoints.map((endpoint) => endpoint.length)}\n`);
  }
}
console.log(
  JSON.stringify({
    bytesPerAffiliate: (after - before) / AFFILIATES,
    digest: digest.digest("hex"),
  }),
);

function request(index: number) {
  // As long as a node ID.
  return updateRequest(clusterOf(index), `node-${index}`.padEnd(44, "x"));
}

function clusterOf(index: number): string {
  return `cluster-${Math.floor(index / AFFILIATES_PER_CLUSTER)}`.padEnd(44, "x");
}

function usedBytes(): number {
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc");
  globalThis.gc();
  globalThis.gc();
  // Array buffers are part of `external`.
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
