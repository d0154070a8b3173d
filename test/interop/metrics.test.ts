/**
 * The same calls to the reference and to ours: our metrics have all of its series, with the same types and values.
 * @module
 */
import { expect, test } from "vitest";
import { unusedPort } from "../harness/net/unused-port.ts";
import type { ProbeCall } from "../harness/processes/probe.ts";
import type { ServiceKind } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

const POLL_LIMIT_MS = 30_000;

/** Metrics of the Go runtime and of its library's HTTP handler, and such of the process as only Go's library has. */
const ONLY_GO =
  /^(go_|promhttp_|process_network_|process_virtual_memory_max_bytes|process_resident_memory_max)/;

/** Series that have the same value only by chance. */
const VARYING =
  /^(process_|discovery_state_gc_|grpc_server_handling_seconds_(sum|bucket)|discovery_storage_last_operation_duration)/;

/** The reference counts an answer as sent also where it has sent none, but an error. */
const MESSAGES_OF_FAILED_CALLS = /^grpc_server_msg_sent_total.*grpc_type="unary"/;

/** Everybody may have more series than these but one: what callers say of themselves. */
const HELLOS = /^discovery_server_hello_requests_total/;

interface Scrape {
  /** By the name of the metric. */
  readonly types: ReadonlyMap<string, string>;
  /** By name and sorted labels. */
  readonly samples: ReadonlyMap<string, number>;
}

async function scrape(port: number): Promise<Scrape> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  const types = new Map<string, string>();
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, typed = "", type = ""] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (typed !== "" && !ONLY_GO.test(typed)) types.set(typed, type);
    const [, name = "", labels = "", value] = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === "" || ONLY_GO.test(name)) continue;
    const sorted = labels.match(/\w+="[^"]*"/g)?.sort() ?? [];
    samples.set(`${name}{${sorted.join(",")}}`, Number(value));
  }
  return { types, samples };
}

const CALLS: readonly ProbeCall[] = [
  ...[
    "v1.8.3",
    "v1.8.0",
    "v1.12.0-alpha.1",
    "v1.12.0-beta.0-5-gdeadbeef",
    "",
    "1.8.3",
    "v1.8",
    "x",
  ].map((clientVersion): ProbeCall => ({ do: "hello", clusterId: "metrics", clientVersion })),
  { do: "hello", clusterId: "", clientVersion: "v1.9.0" },
  {
    do: "update",
    clusterId: "metrics",
    affiliateId: "a",
    data: "AAEC",
    endpoints: ["AAAA", "AQEB"],
    ttlMs: 600_000,
  },
  { do: "update", clusterId: "metrics", affiliateId: "b", data: "AAEC", ttlMs: 600_000 },
  { do: "update", clusterId: "other", affiliateId: "c", data: "AAEC", ttlMs: 600_000 },
  { do: "update", clusterId: "metrics", affiliateId: "d", ttlMs: 2_000_000 },
  { do: "delete", clusterId: "metrics", affiliateId: "b" },
  { do: "list", clusterId: "metrics" },
  { do: "list", clusterId: "" },
];

async function metricsAfterCalls(kind: ServiceKind): Promise<Scrape> {
  await using stage = new Stage();
  const metricsPort = await unusedPort();
  const service = await stage.service(kind, { metricsPort });
  const probe = stage.probe(service);
  for (const call of CALLS) await probe.call(call);
  const ended = probe.watch("metrics");
  await ended.message(0);
  ended.cancel();
  await ended.end();
  const running = probe.watch("metrics");
  await running.message(0);
  const one = 'grpc_method="Watch",grpc_service="sidero.discovery.server.Cluster"';
  const left = `grpc_server_handled_total{grpc_code="OK",${one},grpc_type="server_stream"}`;
  // The service hears of the end of a watch later than its caller.
  await expect
    .poll(async () => (await scrape(metricsPort)).samples.get(left), { timeout: POLL_LIMIT_MS })
    .toBe(1);
  // Awaited here: the stage ends with this function.
  return await scrape(metricsPort);
}

test("our metrics have the series of the reference's, their types and, after the same calls, their values", async () => {
  // One after the other: a failure of one must not leave the other behind.
  const reference = await metricsAfterCalls("go");
  const ours = await metricsAfterCalls("ts");
  expect(reference.samples.size).toBeGreaterThan(150);
  for (const [name, type] of reference.types) {
    expect([name, ours.types.get(name)]).toEqual([name, type]);
  }
  const missing = [...reference.samples.keys()].filter((series) => !ours.samples.has(series));
  expect(missing).toEqual([]);
  const comparable = (scraped: Scrape) =>
    Object.fromEntries(
      [...reference.samples.keys()]
        .filter((series) => !VARYING.test(series) && !MESSAGES_OF_FAILED_CALLS.test(series))
        .map((series) => [series, scraped.samples.get(series)]),
    );
  expect(comparable(ours)).toEqual(comparable(reference));
  const hellos = (scraped: Scrape) =>
    [...scraped.samples.keys()].filter((series) => HELLOS.test(series)).sort();
  expect(hellos(ours)).toEqual(hellos(reference));
});
