/**
 * `Hello`: whether it is answered and how long it takes, where it sends nodes, and at which address
 * it sees this machine, which is what nodes behind NAT are reached by, and what rate limits count.
 * @module
 */
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { MAX_REDIRECTS } from "../../client/connection.ts";
import { parseRedirectEndpoint, type ServiceUrl } from "../../client/service-url.ts";
import { generateClusterId } from "../../crypto/index.ts";
import { formatAddress, unmapAddress } from "../../net/address.ts";
import { isPrivateAddress } from "../../net/private-address.ts";
import type { Cluster, HelloResponse } from "../../protocol/index.ts";
import { errorText, outsideText } from "../text.ts";
import { CLIENT_VERSION } from "../version.ts";
import { type DiagnoseOptions, type Outcome, toTenths } from "./check.ts";
import { explainCallFailure } from "./failures.ts";
import type { Route } from "./route.ts";

/** Few enough for the rate limit of any service, which is 60 calls at once by default. */
const ROUND_TRIPS = 5;

/** Slower than the other side of the world. */
const SLOW_MS = 1000;

/** A name of DNS, and a port. */
const MAX_ENDPOINT_CHARACTERS = 260;

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

/** The value of the check. */
export interface RedirectChoice {
  /** Absent where this service keeps us. */
  readonly target: ServiceUrl | undefined;
}

/**
 * Reads the redirect of an answer.
 *
 * @param trail - The services so far, as `baseUrl`, this one last.
 */
export function checkRedirect(
  hello: HelloResponse,
  service: ServiceUrl,
  trail: readonly string[],
): Outcome<RedirectChoice> {
  const endpoint = hello.redirect?.endpoint ?? "";
  if (endpoint === "") {
    return { finding: { status: "ok", summary: "none" }, value: { target: undefined } };
  }
  const hint = "Correct --redirect-endpoint of the service: HOST:PORT of one that keeps its nodes.";
  if (endpoint.length > MAX_ENDPOINT_CHARACTERS) {
    const summary = `to a text of ${endpoint.length} characters: ${outsideText(endpoint, 60)}`;
    return { finding: { status: "failed", summary, hint } };
  }
  let target: ServiceUrl;
  try {
    target = parseRedirectEndpoint(endpoint, service);
  } catch (error) {
    return { finding: { status: "failed", summary: errorText(error), hint } };
  }
  const details = { target: target.baseUrl };
  if (trail.includes(target.baseUrl)) {
    const loop = [...trail.slice(trail.indexOf(target.baseUrl)), target.baseUrl].join(" → ");
    return { finding: { status: "failed", summary: `a loop: ${loop}`, hint, details } };
  }
  if (trail.length > MAX_REDIRECTS) {
    const summary = `to ${target.baseUrl}, after ${MAX_REDIRECTS} redirects already`;
    return { finding: { status: "failed", summary, hint, details } };
  }
  return {
    finding: { status: "ok", summary: `to ${target.baseUrl}, checked next`, details },
    value: { target },
  };
}

/** Compares what the service reported with what we know of the way to it. */
export function checkPublicAddress(
  hello: HelloResponse,
  { addresses, proxy }: Pick<Route, "addresses" | "proxy">,
  ownAddresses: readonly string[] = localAddresses(),
): Outcome<true> {
  if (hello.clientIp.length === 0) {
    return {
      finding: { status: "unknown", summary: "the service does not report it" },
      value: true,
    };
  }
  let address: string;
  try {
    // A zone may hold any text.
    address = outsideText(formatAddress(unmapAddress(hello.clientIp)));
  } catch (error) {
    const hint = "The service, or what changes its answers, is broken.";
    return { finding: { status: "warning", summary: errorText(error), hint }, value: true };
  }
  const isOwn = ownAddresses.includes(address);
  const details = { address, own: isOwn };
  if (proxy !== undefined) {
    const summary = `${address}, of the proxy or its network`;
    return { finding: { status: "ok", summary, details }, value: true };
  }
  const hint =
    "A proxy stands before the service: name it there (--trusted-proxies), or all nodes share one address and one rate limit.";
  const isServicePublic = addresses.some(
    (service) => isIP(service) !== 0 && !isPrivateAddress(service),
  );
  if (!isOwn && addresses.includes(address)) {
    const summary = `${address}, which is the service's own address`;
    return { finding: { status: "warning", summary, hint, details }, value: true };
  }
  if (isPrivateAddress(address) && isServicePublic) {
    const summary = `${address}, a private address, though the service is at a public one`;
    return { finding: { status: "warning", summary, hint, details }, value: true };
  }
  const whose = isOwn
    ? "an address of this machine"
    : "not an address of this machine: NAT or a proxy";
  return { finding: { status: "ok", summary: `${address}, ${whose}`, details }, value: true };
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).map(({ address }) => address),
  );
}
