/**
 * What is measured of the two services, and the ratios to reach.
 * @module
 */
import type { LoadCommand } from "./load-generator.ts";

/** Server CPU time per operation. */
export interface CpuCase {
  readonly name: string;
  /** What one operation is. */
  readonly operation: string;
  /** Our CPU time over the reference's that is to be reached. */
  readonly limit: number;
  readonly tls: boolean;
  /** Before the measurement, at no one's account. */
  readonly prepare: readonly LoadCommand[];
  /** Measured, with `count` times the share of the run; first once at a third of it, to warm up. */
  readonly measure: LoadCommand & { readonly count: number };
  /** Compares what the service holds in the end with what was published. */
  readonly verify?: LoadCommand;
}

const CONNECTIONS = 8;
const CONCURRENCY = 16;
const WATCHERS = 200;

/** Ten clusters of a hundred nodes. */
const CLUSTERS = { clusters: 10, affiliates: 100 } as const;
const open: LoadCommand = { do: "open", connections: CONNECTIONS };
const fill: LoadCommand = { do: "fill", concurrency: CONCURRENCY, ...CLUSTERS };
const verify: LoadCommand = { do: "verify", concurrency: CONCURRENCY, ...CLUSTERS };

function calls(method: NonNullable<LoadCommand["method"]>, count: number): CpuCase["measure"] {
  return { do: "calls", method, count, concurrency: CONCURRENCY, ...CLUSTERS };
}

/** One cluster of a hundred nodes; a change at a time, until all watchers have it. */
function fanOut(name: string, connections: number, limit: number): CpuCase {
  const shape = { clusters: 1, affiliates: 100 } as const;
  return {
    name,
    operation: `message to one of ${WATCHERS} watchers on ${connections} connections`,
    limit,
    tls: false,
    prepare: [
      open,
      { do: "fill", concurrency: CONCURRENCY, ...shape },
      { do: "watch", count: WATCHERS, connections, watchedClusters: 1, ...shape },
    ],
    measure: { do: "publish", count: 400, concurrency: 1 },
    verify: { do: "verify", concurrency: 1, ...shape },
  };
}

/** Small clusters, as a node that starts meets them. */
function sessions(name: string, tls: boolean, count: number, limit: number): CpuCase {
  // Apart from the large ones of other cases.
  const shape = { firstCluster: 1000, clusters: 100, affiliates: 10 } as const;
  return {
    name,
    operation: `connect${tls ? " with TLS" : ""}, Hello, Watch, snapshot of 10, hang up`,
    limit,
    tls,
    prepare: [open, { do: "fill", concurrency: CONCURRENCY, ...shape }],
    measure: { do: "sessions", count, concurrency: CONNECTIONS, ...shape },
  };
}

export const CPU_CASES: readonly CpuCase[] = [
  {
    name: "hello",
    operation: "Hello",
    limit: 0.65,
    tls: false,
    prepare: [open],
    measure: calls("hello", 15_000),
  },
  {
    name: "update",
    operation: "AffiliateUpdate with changed data",
    limit: 0.65,
    tls: false,
    prepare: [open, fill],
    measure: calls("update", 15_000),
    verify,
  },
  {
    name: "refresh",
    operation: "AffiliateUpdate with the same data",
    limit: 0.65,
    tls: false,
    prepare: [open, fill],
    measure: calls("refresh", 15_000),
    verify,
  },
  {
    name: "list",
    operation: "List of 100 affiliates",
    limit: 0.4,
    tls: false,
    prepare: [open, fill],
    measure: calls("list", 4000),
    verify,
  },
  fanOut("watch", WATCHERS, 0.5),
  fanOut("watch-shared", 20, 0.3),
  sessions("session", false, 1600, 1),
  sessions("session-tls", true, 1000, 1.35),
  {
    name: "update-tls",
    operation: "AffiliateUpdate with changed data, TLS",
    limit: 0.85,
    tls: true,
    prepare: [open, fill],
    measure: calls("update", 15_000),
    verify,
  },
];

/** Growth of RSS of a service that has just started. */
export interface MemoryCase {
  readonly name: string;
  readonly operation: string;
  readonly limit: number;
  /** Before the first look. */
  readonly prepare: readonly LoadCommand[];
  /** What makes it grow. */
  readonly grow: readonly LoadCommand[];
}

export const MEMORY_CASES: readonly MemoryCase[] = [
  {
    name: "memory-affiliates",
    operation: "RSS growth, 10,000 affiliates in 100 clusters",
    limit: 1.5,
    prepare: [],
    grow: [open, { do: "fill", concurrency: CONCURRENCY, clusters: 100, affiliates: 100 }],
  },
  {
    name: "memory-watchers",
    operation: "RSS growth, 1,000 watchers on connections of their own in 10 clusters of 100",
    limit: 0.7,
    prepare: [open, fill],
    grow: [{ do: "watch", count: 1000, connections: 1000, watchedClusters: 10, ...CLUSTERS }],
  },
];

/** RSS of our service before its first call. */
export const EMPTY_RSS_LIMIT_BYTES: number = 80 * 1_000_000;
