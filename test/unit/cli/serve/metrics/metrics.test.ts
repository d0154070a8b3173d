import { afterEach, describe, expect, test } from "vitest";
import { createMetrics, type Metrics } from "../../../../../src/cli/serve/metrics/metrics.ts";
import { DiscoveryError } from "../../../../../src/errors.ts";
import { MemoryRegistry } from "../../../../../src/registry/index.ts";
import {
  type CallReport,
  type ClusterMethod,
  REFUSAL_REASONS,
} from "../../../../../src/server/index.ts";

const registries: MemoryRegistry[] = [];

afterEach(async () => {
  for (const registry of registries.splice(0)) await registry.close();
});

/** `name{labels}` to value, as Prometheus would read it. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const page = await metrics.pages({
    method: "GET",
    url: new URL("http://localhost/metrics"),
    accept: null,
    caller: {
      signal: new AbortController().signal,
      clientIp: () => undefined,
      timeoutMs: () => undefined,
    },
  });
  const samples = new Map<string, number>();
  for (const line of page?.text.split("\n") ?? []) {
    const match = /^([^#\s]\S*(?:\{.*\})?) (\S+)$/.exec(line);
    if (match !== null) samples.set(match[1] as string, Number(match[2]));
  }
  return samples;
}

function report(method: ClusterMethod, fields: Partial<CallReport> = {}): CallReport {
  return {
    method,
    path: "fast",
    code: "OK",
    durationMs: 5,
    clientAddress: undefined,
    clusterId: "c",
    affiliateId: undefined,
    clientVersion: undefined,
    messagesSent: 1,
    error: undefined,
    ...fields,
  };
}

const HELLO =
  'grpc_method="Hello",grpc_service="sidero.discovery.server.Cluster",grpc_type="unary"';
const WATCH =
  'grpc_method="Watch",grpc_service="sidero.discovery.server.Cluster",grpc_type="server_stream"';

describe("the reference's metrics", () => {
  test("all series of calls are there with 0 before the first call", async () => {
    const samples = await scrape(createMetrics({ version: "1.0.0" }));
    const zeros = [...samples].filter(([name]) => name.startsWith("grpc_server_"));
    expect(zeros.every(([, value]) => value === 0)).toBe(true);
    expect(samples.has(`grpc_server_started_total{${WATCH}}`)).toBe(true);
    const handled = zeros.filter(([name]) => name.startsWith("grpc_server_handled_total"));
    expect(handled).toHaveLength(5 * 17);
    expect(samples.get('discovery_server_hello_requests_total{client_version="unknown"}')).toBe(0);
  });

  test("a call is counted by method, status and duration", async () => {
    const metrics = createMetrics({ version: "1.0.0" });
    const { hooks } = metrics;
    hooks.onCallStart("Hello");
    hooks.onMessageSent("Hello");
    hooks.onCallEnd(report("Hello", { durationMs: 50, clientVersion: "v1.8.3" }));
    hooks.onCallStart("Watch");
    hooks.onMessageSent("Watch");
    hooks.onMessageSent("Watch");
    const samples = await scrape(metrics);
    expect(samples.get(`grpc_server_started_total{${HELLO}}`)).toBe(1);
    expect(samples.get(`grpc_server_msg_received_total{${HELLO}}`)).toBe(1);
    expect(samples.get(`grpc_server_msg_sent_total{${HELLO}}`)).toBe(1);
    expect(samples.get(`grpc_server_handled_total{${HELLO},grpc_code="OK"}`)).toBe(1);
    const bucket = (le: string) =>
      samples.get(`grpc_server_handling_seconds_bucket{${HELLO},le="${le}"}`);
    expect(["0.01", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"].map(bucket)).toEqual([
      0, 1, 1, 1, 1, 1, 1,
    ]);
    expect(samples.get(`grpc_server_handling_seconds_sum{${HELLO}}`)).toBeCloseTo(0.05);
    expect(samples.get(`grpc_server_handling_seconds_count{${HELLO}}`)).toBe(1);
    expect(samples.get(`grpc_server_started_total{${WATCH}}`)).toBe(1);
    expect(samples.get(`grpc_server_msg_sent_total{${WATCH}}`)).toBe(2);
    expect(samples.get(`grpc_server_handled_total{${WATCH},grpc_code="OK"}`)).toBe(0);
    expect(samples.get('discovery_server_calls_total{path="fast"}')).toBe(1);
  });

  test("a watch that its caller leaves has ended well", async () => {
    const metrics = createMetrics({ version: "1.0.0" });
    metrics.hooks.onCallEnd(report("Watch", { code: "Canceled" }));
    metrics.hooks.onCallEnd(report("Hello", { code: "Canceled" }));
    const samples = await scrape(metrics);
    expect(samples.get(`grpc_server_handled_total{${WATCH},grpc_code="OK"}`)).toBe(1);
    expect(samples.get(`grpc_server_handled_total{${HELLO},grpc_code="Canceled"}`)).toBe(1);
  });

  test("the state is read from the registry, and what expires is counted", async () => {
    const metrics = createMetrics({ version: "1.0.0" });
    let time = 0;
    const registry = new MemoryRegistry({ now: () => time, ...metrics.observers });
    registries.push(registry);
    metrics.attach({ registry, tls: () => undefined });
    const endpoints = [new Uint8Array(32), new Uint8Array(32).fill(1)];
    registry.update({ clusterId: "c", affiliateId: "a", endpoints, ttlMs: 60_000 });
    const watcher = registry.watch("d")[Symbol.asyncIterator]();
    await watcher.next();
    expect(await scrape(metrics).then(stateOf)).toEqual([2, 1, 2, 1, 0, 0, 0]);
    time = 61_000;
    registry.sweep();
    expect(await scrape(metrics).then(stateOf)).toEqual([1, 0, 0, 1, 1, 1, 1]);
    await watcher.return?.();
  });

  test("loads and saves of the snapshot are counted, and the last that worked is shown", async () => {
    let now = 1_000_000;
    const metrics = createMetrics({ version: "1.0.0", now: () => now });
    const path = "state.binpb";
    const empty = { path, clusters: 0, affiliates: 0, endpoints: 0, bytes: 0, durationMs: 1 };
    expect((await scrape(metrics)).has("discovery_storage_snapshot_age_seconds")).toBe(false);
    metrics.onSnapshot({ operation: "load", status: "error", ...empty });
    now += 60_000;
    const saved = { path, clusters: 1, affiliates: 2, endpoints: 3, bytes: 400, durationMs: 250 };
    metrics.onSnapshot({ operation: "save", status: "success", ...saved });
    now += 30_000;
    metrics.onSnapshot({ operation: "save", status: "error", ...empty });
    const samples = await scrape(metrics);
    const storage = [...samples].filter(([name]) => name.startsWith("discovery_storage_"));
    expect(Object.fromEntries(storage)).toEqual({
      'discovery_storage_operations_total{operation="load",status="error"}': 1,
      'discovery_storage_operations_total{operation="save",status="success"}': 1,
      'discovery_storage_operations_total{operation="save",status="error"}': 1,
      'discovery_storage_last_snapshot_size_bytes{operation="save"}': 400,
      'discovery_storage_last_operation_clusters{operation="save"}': 1,
      'discovery_storage_last_operation_affiliates{operation="save"}': 2,
      'discovery_storage_last_operation_endpoints{operation="save"}': 3,
      'discovery_storage_last_operation_duration_seconds{operation="save"}': 0.25,
      discovery_storage_last_save_failed: 1,
      discovery_storage_snapshot_age_seconds: 30,
    });
    metrics.onSnapshot({ operation: "save", status: "success", ...saved });
    expect((await scrape(metrics)).get("discovery_storage_last_save_failed")).toBe(0);
  });
});

function stateOf(samples: Map<string, number>): (number | undefined)[] {
  return [
    ...["clusters", "affiliates", "endpoints", "subscriptions"],
    ...["gc_runs_total", "gc_clusters_total", "gc_affiliates_total"],
  ].map((name) => samples.get(`discovery_state_${name}`));
}

describe("our own metrics", () => {
  test("refusals are counted by reason, whether they became calls or not", async () => {
    const metrics = createMetrics({ version: "1.0.0" });
    metrics.hooks.onRefused("unknown_method");
    const error = new DiscoveryError("ERR_TTL_TOO_LARGE", "ttl is too large");
    metrics.hooks.onCallEnd(report("AffiliateUpdate", { code: "InvalidArgument", error }));
    const samples = await scrape(metrics);
    const refusals = [...samples].filter(([name]) => name.startsWith("discovery_server_refusals"));
    expect(refusals.filter(([, value]) => value > 0)).toEqual([
      ['discovery_server_refusals_total{reason="unknown_method"}', 1],
      ['discovery_server_refusals_total{reason="ttl"}', 1],
    ]);
    expect(refusals.length).toBeGreaterThan(20);
  });

  test("a refusal has its series before it first happens, whatever its reason", async () => {
    const samples = await scrape(createMetrics({ version: "1.0.0" }));
    for (const reason of REFUSAL_REASONS) {
      expect(samples.get(`discovery_server_refusals_total{reason="${reason}"}`)).toBe(0);
    }
  });

  test("the memory is there by kind, with its limit, if there is one", async () => {
    const metrics = createMetrics({ version: "1.0.0" });
    const registry = { totals: () => ({ clusters: 0, affiliates: 0, endpoints: 0, watchers: 0 }) };
    const used = {
      process: 100,
      state: 300,
      caches: 0,
      unsent: 20,
      watches: 0,
      streams: 0,
      connections: 7,
    };
    const memory = { maxBytes: 1000, usedBy: (kind: keyof typeof used) => used[kind] };
    metrics.attach({ registry, tls: () => undefined });
    expect((await scrape(metrics)).has("discovery_memory_limit_bytes")).toBe(false);
    metrics.attach({ registry, memory, tls: () => undefined });
    const samples = await scrape(metrics);
    expect(samples.get("discovery_memory_limit_bytes")).toBe(1000);
    for (const [kind, bytes] of Object.entries(used)) {
      expect(samples.get(`discovery_memory_bytes{kind="${kind}"}`)).toBe(bytes);
    }
  });

  test("the certificate's end is there where there is TLS, and reloads are counted", async () => {
    const metrics = createMetrics({ version: "1.0.0" });
    const name = "discovery_tls_certificate_expiry_timestamp_seconds";
    expect((await scrape(metrics)).has(name)).toBe(false);
    const registry = { totals: () => ({ clusters: 0, affiliates: 0, endpoints: 0, watchers: 0 }) };
    const certificate = { notAfter: new Date(1_900_000_000_000), subject: "CN=a" };
    metrics.attach({ registry, tls: () => certificate });
    metrics.onTlsReload({ ok: true, ...certificate });
    const samples = await scrape(metrics);
    expect(samples.get(name)).toBe(1_900_000_000);
    expect(samples.get('discovery_tls_reloads_total{status="success"}')).toBe(1);
  });

  test("the lag of watchers, the event loop's delay and the process are shown", async () => {
    const metrics = createMetrics({ version: "1.2.3" });
    metrics.observers.onWatchLag(0.5);
    metrics.observers.onWatchLag(2000);
    const samples = await scrape(metrics);
    expect(samples.get('discovery_watch_lag_seconds_bucket{le="0.001"}')).toBe(1);
    expect(samples.get('discovery_watch_lag_seconds_bucket{le="10"}')).toBe(2);
    expect(samples.get("discovery_watch_lag_seconds_count")).toBe(2);
    expect(samples.get('discovery_build_info{version="1.2.3"}')).toBe(1);
    // The first measurement takes a moment.
    await expect
      .poll(async () => (await scrape(metrics)).get("nodejs_eventloop_lag_p99_seconds"))
      .toBeGreaterThan(0);
    expect(samples.get("process_resident_memory_bytes")).toBeGreaterThan(0);
  });

  test("callers cannot make series without end", async () => {
    const metrics = createMetrics({ version: "1.0.0" });
    for (let minor = 0; minor < 500; minor++) {
      metrics.hooks.onCallEnd(report("Hello", { clientVersion: `v1.${minor}.0` }));
    }
    const samples = await scrape(metrics);
    const versions = [...samples.keys()].filter((name) => name.includes("client_version="));
    expect(versions.length).toBeLessThanOrEqual(100);
    expect(
      samples.get('discovery_server_hello_requests_total{client_version="unknown"}'),
    ).toBeGreaterThan(0);
  });
});
