/**
 * `Hello`, and how long it takes.
 * @module
 */
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { generateClusterId } from "../../crypto/index.ts";
import type { Cluster, HelloResponse } from "../../protocol/index.ts";
import { CLIENT_VERSION } from "../version.ts";
import { explainCallFailure } from "./call-failure.ts";
import { type DiagnoseOptions, type Outcome, toTenths } from "./check.ts";

/** Few enough for the rate limit of any service, which is 60 calls at once by default. */
const ROUND_TRIPS = 5;

/** Slower than the other side of the world. */
const SLOW_MS = 1000;

type ServiceClient = Client<typeof Cluster>;

/** Says hello, as a node of a cluster that nobody else knows where no ID was given. */
export async function checkHello(
  client: ServiceClient,
  { clusterId, timeoutMs }: Pick<DiagnoseOptions, "clusterId" | "timeoutMs">,
  signal: AbortSignal,
): Promise<Outcome<HelloResponse>> {
  try {
    const request = { clusterId: clusterId ?? generateClusterId(), clientVersion: CLIENT_VERSION };
    const hello = await client.hello(request, { signal, timeoutMs });
    const whose = clusterId === undefined ? ", asked with a made-up cluster ID" : "";
    const details = { code: "OK" };
    return { finding: { status: "ok", summary: `answered${whose}`, details }, value: hello };
  } catch (error) {
    const finding = explainCallFailure(error, signal);
    const isDenied = ConnectError.from(error).code === Code.PermissionDenied;
    if (clusterId === undefined && isDenied) {
      const hint =
        "Give the cluster's ID (--cluster-id or --config): only listed clusters are let in.";
      return { finding: { ...finding, status: "warning", hint } };
    }
    return { finding };
  }
}

/** Says hello a few times more, one after the other, over the same connection. */
export async function checkRoundTrip(
  client: ServiceClient,
  { clusterId = generateClusterId(), timeoutMs }: Pick<DiagnoseOptions, "clusterId" | "timeoutMs">,
  signal: AbortSignal,
): Promise<Outcome<true>> {
  const timesMs: number[] = [];
  try {
    while (timesMs.length < ROUND_TRIPS) {
      const startedAt = performance.now();
      await client.hello({ clusterId, clientVersion: CLIENT_VERSION }, { signal, timeoutMs });
      timesMs.push(performance.now() - startedAt);
    }
  } catch (error) {
    return { finding: explainCallFailure(error, signal) };
  }
  const sorted = timesMs.toSorted((a, b) => a - b);
  const [min = 0, , median = 0] = sorted;
  const max = sorted.at(-1) ?? 0;
  const details = {
    count: ROUND_TRIPS,
    medianMs: toTenths(median),
    minMs: toTenths(min),
    maxMs: toTenths(max),
  };
  const summary = `median ${toTenths(median)} ms of ${ROUND_TRIPS} calls, ${toTenths(min)} to ${toTenths(max)} ms`;
  if (median <= SLOW_MS) return { finding: { status: "ok", summary, details }, value: true };
  const hint = "The way is long or the service is busy: nodes work, and hear of each other late.";
  return { finding: { status: "warning", summary, hint, details }, value: true };
}
