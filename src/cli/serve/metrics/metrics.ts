/**
 * What an operator sees in Prometheus: the reference service's metrics under their names, and ours.
 * @see docs/operations.md, "Metrics"
 * @module
 */
import { Registry as MetricRegistry } from "prom-client";
import type { SnapshotReport, TlsCertificate, TlsReload } from "../../../node/index.ts";
import { Cluster } from "../../../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import type {
  MemoryBudget,
  MemoryKind,
  Registry,
  RegistryObservers,
} from "../../../registry/index.ts";
import type { ClusterMethod, Pages, ServerHooks } from "../../../server/index.ts";
import { CallCounts, METHOD_TYPES, type MethodCounts } from "./call-counts.ts";
import {
  Buckets,
  exposeCounter,
  exposeGauge,
  exposeHistogram,
  type Sample,
} from "./exposed-metric.ts";
import { exposeProcess } from "./process-metrics.ts";
import { SharedScrape } from "./shared-scrape.ts";
import { exposeStorage, SnapshotCounts } from "./storage-metrics.ts";

/** The path under which Prometheus asks. */
const METRICS_PATH = "/metrics";

/** Upper ends in seconds. A watcher that reads is behind by less than the first. */
const WATCH_LAG_SECONDS = [0.001, 0.01, 0.1, 1, 10, 60];

const MEMORY_KINDS = [
  "process",
  "state",
  "caches",
  "unsent",
  "watches",
  "streams",
  "connections",
] as const satisfies readonly MemoryKind[];

/** Options of {@link createMetrics}. */
export interface MetricsOptions {
  /** Of this program. */
  readonly version: string;
  /** Current time in ms since 1970. @default Date.now */
  readonly now?: () => number;
}

/** What the metrics are read from besides hooks. */
export interface MetricsSources {
  readonly registry: Pick<Registry, "totals">;
  /** What is used of the memory limit. Absent: no limit. */
  readonly memory?: Pick<MemoryBudget, "maxBytes" | "usedBy"> | undefined;
  /** The certificate in force. */
  readonly tls: () => TlsCertificate | undefined;
}

/** Metrics of one service. */
export interface Metrics {
  /** For `serve`. */
  readonly hooks: Required<ServerHooks>;
  /** For the registry. */
  readonly observers: Required<RegistryObservers>;
  /** For the snapshot file, as `onLoad` and `onSave`. */
  readonly onSnapshot: (report: SnapshotReport) => void;
  /** For `serve`. */
  readonly onTlsReload: (result: TlsReload) => void;
  /** `/metrics`, for a port of its own. */
  readonly pages: Pages;
  /** Begins to read what hooks do not tell. */
  readonly attach: (sources: MetricsSources) => void;
}

/** Makes the metrics; all series with known labels are there from the start. */
export function createMetrics({ version, now = Date.now }: MetricsOptions): Metrics {
  const metrics = new MetricRegistry();
  const calls = new CallCounts();
  const snapshots = new SnapshotCounts();
  const sweeps = { runs: 0, clusters: 0, affiliates: 0 };
  const tlsReloads = { success: 0, error: 0 };
  const watchLagSeconds = new Buckets(WATCH_LAG_SECONDS);
  let sources: MetricsSources | undefined;

  exposeCalls(metrics, calls);
  exposeState(metrics, () => sources?.registry, sweeps);
  exposeMemory(metrics, () => sources?.memory);
  exposeStorage(metrics, snapshots, now);
  exposeHistogram(metrics, {
    name: "discovery_watch_lag_seconds",
    help: "How long the oldest change in a message to a watcher had waited until the watcher was ready for it.",
    read: () => [[{}, watchLagSeconds]],
  });
  exposeGauge(metrics, {
    name: "discovery_tls_certificate_expiry_timestamp_seconds",
    help: "When the TLS certificate in force expires, in seconds since 1970.",
    read: () => {
      const certificate = sources?.tls();
      return certificate === undefined ? [] : [[{}, certificate.notAfter.getTime() / 1000]];
    },
  });
  exposeCounter(metrics, {
    name: "discovery_tls_reloads_total",
    help: "Changes of the TLS files: a bad one leaves the old certificate in force.",
    labels: ["status"],
    read: () => Object.entries(tlsReloads).map(([status, n]) => [{ status }, n]),
  });
  exposeGauge(metrics, {
    name: "discovery_build_info",
    help: "Always 1; the version is its label.",
    labels: ["version"],
    read: () => [[{ version }, 1]],
  });
  exposeProcess(metrics);
  const scrape = new SharedScrape(() => metrics.metrics());

  return {
    hooks: calls.hooks,
    observers: {
      onSweep({ clusters, affiliates }) {
        sweeps.runs++;
        sweeps.clusters += clusters;
        sweeps.affiliates += affiliates;
      },
      onWatchLag: (lagMs) => watchLagSeconds.observe(lagMs / 1000),
    },
    onSnapshot: (report) => snapshots.add(report, now()),
    onTlsReload({ ok }) {
      tlsReloads[ok ? "success" : "error"]++;
    },
    pages: async ({ method, url }) => {
      if (url.pathname !== METRICS_PATH || (method !== "GET" && method !== "HEAD"))
        return undefined;
      const headers = { "Content-Type": metrics.contentType, "X-Content-Type-Options": "nosniff" };
      return { status: 200, headers, text: method === "HEAD" ? "" : await scrape.ask() };
    },
    attach(given) {
      sources = given;
    },
  };
}

function exposeCalls(metrics: MetricRegistry, calls: CallCounts): void {
  const labels = ["grpc_method", "grpc_service", "grpc_type"];
  const methods = (Object.keys(METHOD_TYPES) as ClusterMethod[]).map(
    (method) =>
      [
        {
          grpc_method: method,
          grpc_service: Cluster.typeName,
          grpc_type: METHOD_TYPES[method],
        },
        calls.methods[method],
      ] as const,
  );
  const ofEach = (read: (counts: MethodCounts) => number) => (): Sample[] =>
    methods.map(([values, counts]) => [values, read(counts)]);

  exposeCounter(metrics, {
    name: "grpc_server_started_total",
    help: "Calls that began.",
    labels,
    read: ofEach(({ started }) => started),
  });
  exposeCounter(metrics, {
    name: "grpc_server_handled_total",
    help: "Calls that ended, by status.",
    labels: [...labels, "grpc_code"],
    read: () =>
      methods.flatMap(([values, { handled }]) =>
        Object.entries(handled).map(([code, n]): Sample => [{ ...values, grpc_code: code }, n]),
      ),
  });
  exposeCounter(metrics, {
    name: "grpc_server_msg_received_total",
    help: "Messages received: one for each call.",
    labels,
    read: ofEach(({ started }) => started),
  });
  exposeCounter(metrics, {
    name: "grpc_server_msg_sent_total",
    help: "Messages sent: one for each call that succeeds, many for a watch.",
    labels,
    read: ofEach(({ sent }) => sent),
  });
  exposeHistogram(metrics, {
    name: "grpc_server_handling_seconds",
    help: "How long calls took; a watch takes as long as its caller likes.",
    read: () => methods.map(([values, { handlingSeconds }]) => [values, handlingSeconds]),
  });
  exposeCounter(metrics, {
    name: "discovery_server_hello_requests_total",
    help: "Hello calls, by version of the client.",
    labels: ["client_version"],
    read: () => Array.from(calls.versions, ([version, n]) => [{ client_version: version }, n]),
  });
  exposeCounter(metrics, {
    name: "discovery_server_calls_total",
    help: "Calls that ended, by the way they were handled: fast is uncompressed over HTTP/2, slow all else.",
    labels: ["path"],
    read: () => Object.entries(calls.paths).map(([path, n]) => [{ path }, n]),
  });
  exposeCounter(metrics, {
    name: "discovery_server_refusals_total",
    help: "Connections, requests and calls that were refused, by reason.",
    labels: ["reason"],
    read: () => Object.entries(calls.refusals).map(([reason, n]) => [{ reason }, n]),
  });
}

function exposeState(
  metrics: MetricRegistry,
  registry: () => MetricsSources["registry"] | undefined,
  sweeps: { readonly runs: number; readonly clusters: number; readonly affiliates: number },
): void {
  const gauges = [
    ["clusters", "clusters", "Clusters with affiliates or watchers."],
    ["affiliates", "affiliates", "Affiliates of all clusters."],
    ["endpoints", "endpoints", "Endpoints of all affiliates."],
    ["subscriptions", "watchers", "Watches under way."],
  ] as const;
  for (const [name, total, help] of gauges) {
    exposeGauge(metrics, {
      name: `discovery_state_${name}`,
      help,
      read: async () => [[{}, (await registry()?.totals())?.[total] ?? 0]],
    });
  }
  const counters = [
    ["runs", "Times that something had expired and was taken away."],
    ["clusters", "Clusters that went with their last affiliate."],
    ["affiliates", "Affiliates that expired."],
  ] as const;
  for (const [name, help] of counters) {
    exposeCounter(metrics, {
      name: `discovery_state_gc_${name}_total`,
      help,
      read: () => [[{}, sweeps[name]]],
    });
  }
}

function exposeMemory(metrics: MetricRegistry, memory: () => MetricsSources["memory"]): void {
  exposeGauge(metrics, {
    name: "discovery_memory_bytes",
    help: "Memory counted against the limit, by what it is used for.",
    labels: ["kind"],
    read() {
      const budget = memory();
      if (budget === undefined) return [];
      return MEMORY_KINDS.map((kind): Sample => [{ kind }, budget.usedBy(kind)]);
    },
  });
  exposeGauge(metrics, {
    name: "discovery_memory_limit_bytes",
    help: "The limit; over 90 % of it new clusters and affiliates are refused.",
    read() {
      const budget = memory();
      return budget === undefined ? [] : [[{}, budget.maxBytes]];
    },
  });
}
