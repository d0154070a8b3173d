/**
 * All checks of one service, and of those that it redirects to.
 * @module
 */
import { createClient } from "@connectrpc/connect";
import { Cluster, type HelloResponse } from "../../protocol/index.ts";
import { MAX_TTL_MS } from "../../protocol/limits.ts";
import { checkMembers, checkSecret, checkWatch, type OpenedListing } from "./affiliates-check.ts";
import { type CheckReport, CheckSeries, type DiagnoseOptions, worstStatus } from "./check.ts";
import { checkClock } from "./clock-check.ts";
import { checkConfiguration } from "./configuration-check.ts";
import { checkDns, systemNames } from "./dns-check.ts";
import { checkHello, checkPublicAddress, checkRedirect, checkRoundTrip } from "./hello-check.ts";
import { checkHttp2 } from "./http2-check.ts";
import { checkProxy } from "./proxy-check.ts";
import type { Route } from "./route.ts";
import { checkTcp } from "./tcp-check.ts";
import { checkTls } from "./tls-check.ts";

const CLUSTER_ID = "the cluster's ID: --cluster-id or --config";
const CLUSTER_SECRET = "the cluster's secret: --cluster-secret-file or --config";

/** What was found out at one place. */
export interface HopReport {
  readonly url: string;
  readonly checks: readonly CheckReport[];
}

/** What was found out about a service. */
export interface ServiceDiagnosis {
  readonly name: string;
  readonly url: string;
  readonly status: "ok" | "warning" | "failed";
  /** The service, and after it each that it redirects to. */
  readonly hops: readonly HopReport[];
  /** The cluster as the secret opens it, where all went well so far. */
  readonly listing: OpenedListing | undefined;
}

/**
 * Checks a service as a node would use it. Nothing is published.
 *
 * @throws `signal.reason` when the user ends it; what was found before was told to `onCheck`.
 */
export async function diagnoseService(
  { name, url }: { readonly name: string; readonly url: string },
  options: DiagnoseOptions,
): Promise<ServiceDiagnosis> {
  const hops: HopReport[] = [];
  const trail: string[] = [];
  let listing: OpenedListing | undefined;
  for (let next: string | undefined = url; next !== undefined; ) {
    const series = new CheckSeries(next, options);
    const hop: HopEnd = await diagnoseHop(next, trail, series, options);
    hops.push({ url: next, checks: series.reports });
    listing = hop.listing;
    next = hop.next;
  }
  const status = worstStatus(hops.flatMap(({ checks }) => checks.map((check) => check.status)));
  return { name, url, status, hops, listing };
}

interface HopEnd {
  /** Where nodes are sent. */
  readonly next?: string | undefined;
  readonly listing?: OpenedListing | undefined;
}

async function diagnoseHop(
  url: string,
  trail: string[],
  series: CheckSeries,
  options: DiagnoseOptions,
): Promise<HopEnd> {
  const route = await findRoute(url, series, options);
  if (route !== undefined) trail.push(route.service.baseUrl);
  const transport =
    route && options.transport(route.service.baseUrl, { pingIntervalMs: MAX_TTL_MS });
  const client = transport && createClient(Cluster, transport);
  try {
    const hello = await series.run("hello", client, (service, signal) =>
      checkHello(service, options, signal),
    );
    const redirect = await series.run("redirect", route && hello && { route, hello }, (at) =>
      checkRedirect(at.hello, at.route.service, trail),
    );
    if (redirect?.target !== undefined) return { next: redirect.target.baseUrl };
    const kept = redirect && route && client && hello && { route, client, hello };
    return await diagnoseStay(kept, route, series, options);
  } finally {
    transport?.close?.();
  }
}

/** The way to the service, from its URL to HTTP/2. */
async function findRoute(
  url: string,
  series: CheckSeries,
  options: DiagnoseOptions,
): Promise<Route | undefined> {
  const { ca, names = systemNames() } = options;
  const service = await series.run("configuration", url, checkConfiguration);
  const choice = await series.run("proxy", service, (target, signal) =>
    checkProxy(target, options, signal),
  );
  const direct = service && choice && { service, proxy: choice.proxy, addresses: [], ca };
  const named = await series.run("dns", direct, async (route: Route, signal) => {
    if (route.proxy !== undefined) return leftToProxy(route, "resolves the name");
    const { finding, value } = await checkDns(route.service, names, signal);
    return { finding, value: value && { ...route, addresses: value } };
  });
  const connected = await series.run("tcp", named, async (route: Route, signal) => {
    if (route.proxy !== undefined) return leftToProxy(route, "connects");
    const { finding, value } = await checkTcp(route.service, route.addresses, signal);
    return { finding, value: value && { ...route, addresses: value } };
  });
  const secured = await series.run("tls", connected, (route, signal) =>
    checkTls(route, options, signal),
  );
  return series.run("http2", secured, checkHttp2);
}

function leftToProxy(route: Route, does: string) {
  return { finding: { status: "skipped", summary: `the proxy ${does}` } as const, value: route };
}

/** What is looked at where nodes stay. */
async function diagnoseStay(
  kept:
    | {
        readonly route: Route;
        readonly client: Parameters<typeof checkHello>[0];
        readonly hello: HelloResponse;
      }
    | undefined,
  route: Route | undefined,
  series: CheckSeries,
  options: DiagnoseOptions,
): Promise<HopEnd> {
  await series.run("public-address", kept, (at) => checkPublicAddress(at.hello, at.route));
  await series.run("round-trip", kept, (at, signal) => checkRoundTrip(at.client, options, signal));
  const named = series.withGiven(kept, "clusterId", options.clusterId, CLUSTER_ID);
  const affiliates = await series.run("watch", named, ({ client, clusterId }, signal) =>
    checkWatch(client, clusterId, options, signal),
  );
  const sealed = series.withGiven(
    affiliates && { affiliates },
    "clusterSecret",
    options.clusterSecret,
    CLUSTER_SECRET,
  );
  const listing = await series.run("secret", sealed, (all) =>
    checkSecret(all.affiliates, all.clusterSecret, options.isSecretCanonical),
  );
  await series.run("members", listing, checkMembers);
  await series.run("clock", route, (way, signal) => checkClock(way, options, signal));
  return { listing };
}
