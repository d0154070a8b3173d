/**
 * What a service holds of a cluster's nodes, and how it is made to forget one of them.
 * @module
 */
import type { Client } from "@connectrpc/connect";
import { type Connection, connect } from "../../client/connection.ts";
import { type ListedAffiliate, openAffiliate } from "../../client/opening.ts";
import { parseServiceUrl } from "../../client/service-url.ts";
import { type ClusterCipher, createClusterCipher } from "../../crypto/index.ts";
import { sleep, unlessAborted, withinTime } from "../../live/waiting.ts";
import type { Cluster, WatchResponse } from "../../protocol/index.ts";
import { type AffiliateSpec, createAffiliateSpec } from "../../resources/index.ts";
import type { ClusterAccess, ClusterService } from "../cluster-access.ts";
import { CLIENT_VERSION } from "../cluster-reading.ts";
import { CommandFailure, oneLine } from "../exit.ts";

const PING_INTERVAL_MS = 10_000;

/** One node as one service holds it. */
export interface AffiliateCopy {
  readonly nodeId: string;
  /** `undefined` where it does not open with the secret, and where there is nothing but endpoints that others reported. */
  readonly spec: AffiliateSpec | undefined;
}

/** What a service answered. */
export type ServiceListing =
  | {
      readonly service: ClusterService;
      /** By node ID. */
      readonly copies: ReadonlyMap<string, AffiliateCopy>;
    }
  | { readonly service: ClusterService; readonly failure: string };

/** How one service took it. */
export interface ForgetOutcome {
  readonly service: ClusterService;
  /**
   * - `forgotten`: it was there, and is not listed any more.
   * - `absent`: it was not there.
   * - `came back`: it was deleted, and published itself again: the node is alive.
   * - `still there`: the service took the call, and lists it as before.
   * - `failed`: see `error`.
   */
  readonly result: "forgotten" | "absent" | "came back" | "still there" | "failed";
  readonly error?: string;
}

/** Options of calls to one service. */
export interface ServiceCallOptions {
  readonly signal: AbortSignal;
  /** For each call. */
  readonly timeoutMs: number;
}

/** A cluster whose ID and secret are known. */
export interface OpenableCluster {
  readonly clusterId: string;
  readonly cipher: ClusterCipher;
  readonly transport: ClusterAccess["transport"];
}

/** @throws {CommandFailure} where the access has no services, and with them no need of either. */
export function openableCluster({
  clusterId,
  clusterSecret,
  services,
  transport,
}: ClusterAccess): OpenableCluster {
  if (services.length === 0 || clusterId === undefined || clusterSecret === undefined) {
    throw new CommandFailure("no discovery service is named, and only those can be told to forget");
  }
  return { clusterId, cipher: createClusterCipher(clusterSecret), transport };
}

/** Asks a service for everything it holds of the cluster. Never rejects for what the service does. */
export async function listCopies(
  cluster: OpenableCluster,
  service: ClusterService,
  { signal, timeoutMs }: ServiceCallOptions,
): Promise<ServiceListing> {
  const copies = new Map<string, AffiliateCopy>();
  try {
    await atService(cluster, service, signal, async ({ client }) => {
      for (const listed of await list(client, cluster.clusterId, { signal, timeoutMs })) {
        copies.set(listed.id, { nodeId: listed.id, spec: open(cluster.cipher, listed) });
      }
    });
  } catch (error) {
    signal.throwIfAborted();
    return { service, failure: oneLine(error) };
  }
  return { service, copies };
}

/**
 * Deletes a node from a service, looks whether it is gone, and then for `waitMs` whether it comes back. Never rejects for
 * what the service does.
 */
export async function forgetAt(
  cluster: OpenableCluster,
  service: ClusterService,
  nodeId: string,
  { signal, timeoutMs, waitMs }: ServiceCallOptions & { readonly waitMs: number },
): Promise<ForgetOutcome> {
  let result: ForgetOutcome["result"] = "failed";
  const ended = new AbortController();
  const own = AbortSignal.any([signal, ended.signal]);
  const options = { signal: own, timeoutMs };
  try {
    await atService(cluster, service, own, async ({ client }) => {
      const { clusterId } = cluster;
      const changes = client.watch({ clusterId }, { signal: own })[Symbol.asyncIterator]();
      const timedOut = () => new CommandFailure(`${service.url}: no answer to a watch`);
      // The first message is what is there: from then on nothing is missed.
      await withinTime(changes.next(), timeoutMs, timedOut, sleep, own);
      await unlessAborted(client.affiliateDelete({ clusterId, affiliateId: nodeId }, options), own);
      const listed = await list(client, clusterId, options);
      const isListed = listed.some(({ id }) => id === nodeId);
      const seen = { isDeleted: !isListed };
      result = isListed ? "still there" : "forgotten";
      const cameBack = async () => {
        await untilItReturns(changes, nodeId, seen, own);
        result = "came back";
      };
      // A service that still lists it has told already why, or will not.
      const patienceMs = isListed ? Math.max(waitMs, LATE_CHANGE_MS) : waitMs;
      if (patienceMs > 0) await Promise.race([cameBack(), sleep(patienceMs, own)]);
    });
  } catch (error) {
    if (result === "failed") {
      return { service, result, error: signal.aborted ? "interrupted" : oneLine(error) };
    }
    // It was looked for and told; only the rest of the wait is missing.
  } finally {
    ended.abort();
  }
  return { service, result };
}

/** How long a change may take that has happened before a list was answered. */
const LATE_CHANGE_MS = 1000;

async function untilItReturns(
  changes: AsyncIterator<WatchResponse>,
  nodeId: string,
  seen: { isDeleted: boolean },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const { done, value } = await unlessAborted(changes.next(), signal);
    if (done) throw new CommandFailure("the service ended the watch");
    if (!value.affiliates.some(({ id }) => id === nodeId)) continue;
    if (value.deleted) seen.isDeleted = true;
    else if (seen.isDeleted) return;
  }
}

function atService(
  { clusterId, transport }: OpenableCluster,
  { url }: ClusterService,
  signal: AbortSignal,
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  const options = {
    clusterId,
    clientVersion: CLIENT_VERSION,
    transport,
    pingIntervalMs: PING_INTERVAL_MS,
    onService: () => {},
  };
  return connect(parseServiceUrl(url), options, use, signal);
}

async function list(
  client: Client<typeof Cluster>,
  clusterId: string,
  { signal, timeoutMs }: ServiceCallOptions,
): Promise<readonly ListedAffiliate[]> {
  const call = client.list({ clusterId }, { signal, timeoutMs });
  return (await unlessAborted(call, signal)).affiliates;
}

function open(cipher: ClusterCipher, listed: ListedAffiliate): AffiliateSpec | undefined {
  const opened =
    listed.data.length === 0 ? undefined : openAffiliate(cipher, listed, undefined, () => {});
  return opened === undefined ? undefined : createAffiliateSpec(opened.affiliate);
}
