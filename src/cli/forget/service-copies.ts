/**
 * What a service holds of a cluster's nodes, and how it is made to forget one of them.
 * @module
 */
import type { Client } from "@connectrpc/connect";
import { sleep } from "../../async/timers.ts";
import { unlessAborted } from "../../async/waits.ts";
import { type Connection, connect } from "../../client/connection.ts";
import { type ListedAffiliate, openAffiliate } from "../../client/opening.ts";
import { parseServiceUrl } from "../../client/service-url.ts";
import { type ClusterCipher, createClusterCipher } from "../../crypto/index.ts";
import type { Cluster, WatchResponse } from "../../protocol/index.ts";
import { type AffiliateSpec, createAffiliateSpec } from "../../resources/index.ts";
import type { ClusterAccess, ClusterService } from "../cluster/cluster-access.ts";
import { describeFailure } from "../cluster/notices.ts";
import { Deadline } from "../deadline.ts";
import { CommandFailure, oneLine, UsageError } from "../exit.ts";
import { CLIENT_VERSION } from "../version.ts";

const PING_INTERVAL_MS = 10_000;

/** How long the news of a deletion may take that was answered already. */
const LATE_CHANGE_MS = 1000;

/** Of a service that was not there at the end of the wait. */
const UNSEEN = "the service does not answer any more, so whether it came back is not known";

/** When to watch again where a service restarts, or a proxy has cut what took too long for it. */
const RETRY_MS = 500;

/** One node as one service holds it. */
export interface AffiliateCopy {
  readonly nodeId: string;
  /**
   * `undefined` where it does not open with the secret, and where there is nothing but endpoints
   * that others reported.
   */
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
   * - `forgotten`: it was there, and is not listed any more; with an `error` where nobody could see
   *   whether that lasts.
   * - `absent`: it was not there.
   * - `came back`: it was deleted, and published itself again: the node is alive.
   * - `still there`: the service took the call, and lists it: again, before anybody could look, or
   *   as before.
   * - `failed`: see `error`.
   */
  readonly result: "forgotten" | "absent" | "came back" | "still there" | "failed";
  readonly error?: string;
}

/** Options of calls to one service. */
export interface ServiceCallOptions {
  readonly signal: AbortSignal;
  /** From the connection to the answer. */
  readonly timeoutMs: number;
}

/** A cluster whose ID and secret are known. */
export interface OpenableCluster {
  readonly clusterId: string;
  readonly cipher: ClusterCipher;
  readonly transport: ClusterAccess["transport"];
}

type Changes = AsyncIterator<WatchResponse>;

/** What {@link watchReturn} is made from. */
interface WatchReturnOptions {
  readonly nodeId: string;
  /** Whether it was seen to be gone. */
  readonly isDeleted: boolean;
  /** Opens another watch on a connection of its own, and closes it when `use` has ended. */
  readonly reopen: (use: (changes: Changes) => Promise<void>) => Promise<void>;
  readonly signal: AbortSignal;
}

/** A watch for one node. */
interface ReturnWatch {
  /** Resolves when the node has come back. Rejects with `signal.reason`. */
  readonly returned: Promise<void>;
  /** Whether the service is watched right now, and has said all since the deletion that matters. */
  readonly isWatching: () => boolean;
}

/** @throws {UsageError} where the access has no services. */
export function openableCluster({
  clusterId,
  clusterSecret,
  services,
  transport,
}: ClusterAccess): OpenableCluster {
  if (services.length === 0 || clusterId === undefined || clusterSecret === undefined) {
    throw new UsageError("--service: none is named, and only services can be told to forget");
  }
  return { clusterId, cipher: createClusterCipher(clusterSecret), transport };
}

/**
 * Asks a service for everything it holds of the cluster. What the service does is no error of this.
 *
 * @throws {CommandFailure} when `signal` aborts.
 */
export async function listCopies(
  cluster: OpenableCluster,
  service: ClusterService,
  options: ServiceCallOptions,
): Promise<ServiceListing> {
  const copies = new Map<string, AffiliateCopy>();
  using deadline = new Deadline(options);
  try {
    await atService(cluster, service, deadline.signal, async ({ client }) => {
      for (const listed of await list(client, cluster.clusterId, deadline.signal)) {
        copies.set(listed.id, { nodeId: listed.id, spec: open(cluster.cipher, listed) });
      }
    });
  } catch (error) {
    if (options.signal.aborted) throw new CommandFailure("interrupted");
    return { service, failure: failureAt(service, error) };
  }
  return { service, copies };
}

/**
 * Deletes a node from a service, looks whether it is gone, and then for `waitMs` whether it comes
 * back. Never rejects for what the service does.
 */
export async function forgetAt(
  cluster: OpenableCluster,
  service: ClusterService,
  nodeId: string,
  { waitMs, ...options }: ServiceCallOptions & { readonly waitMs: number },
): Promise<ForgetOutcome> {
  let result: ForgetOutcome["result"] = "failed";
  let error: string | undefined;
  using deadline = new Deadline(options);
  const { signal } = deadline;
  try {
    const { clusterId } = cluster;
    const watch = (client: Client<typeof Cluster>) =>
      client.watch({ clusterId }, { signal })[Symbol.asyncIterator]();
    await atService(cluster, service, signal, async ({ client }) => {
      const changes = watch(client);
      // The first message is what is there: from then on nothing is missed.
      await unlessAborted(changes.next(), signal);
      const request = { clusterId, affiliateId: nodeId };
      await unlessAborted(client.affiliateDelete(request, { signal }), signal);
      const isListed = await lists(client, clusterId, nodeId, signal);
      result = isListed ? "still there" : "forgotten";
      deadline.lift();
      const { returned, isWatching } = watchReturn(changes, {
        nodeId,
        isDeleted: !isListed,
        reopen: (use) => atService(cluster, service, signal, (other) => use(watch(other.client))),
        signal,
      });
      const cameBack = returned.then(() => {
        result = "came back";
      });
      const patienceMs = isListed ? Math.max(waitMs, LATE_CHANGE_MS) : waitMs;
      if (patienceMs > 0) await Promise.race([cameBack, sleep(patienceMs, signal)]);
      else cameBack.catch(() => {});
      if (result === "forgotten" && !isWatching()) error = UNSEEN;
      if (result !== "still there" || (await lists(client, clusterId, nodeId, signal))) return;
      result = "forgotten";
    });
  } catch (reason) {
    if (result !== "failed") return { service, result };
    if (options.signal.aborted) return { service, result, error: "interrupted" };
    return { service, result, error: failureAt(service, reason) };
  }
  return { service, result, ...(error !== undefined && { error }) };
}

/**
 * Watches for a node's return, beginning with a watch that saw its deletion, and again with others
 * where that one ends.
 */
function watchReturn(
  first: Changes,
  { nodeId, isDeleted, reopen, signal }: WatchReturnOptions,
): ReturnWatch {
  let isGone = isDeleted;
  let isWatching = true;

  async function untilItReturns(changes: Changes): Promise<void> {
    for (;;) {
      const { done, value } = await unlessAborted(changes.next(), signal);
      if (done) throw new CommandFailure("the service ended the watch");
      isWatching = true;
      if (!value.affiliates.some(({ id }) => id === nodeId)) continue;
      if (value.deleted) isGone = true;
      else if (isGone) return;
    }
  }

  async function follow(): Promise<void> {
    let attempt = untilItReturns(first);
    for (;;) {
      try {
        return await attempt;
      } catch {
        isWatching = false;
      }
      await sleep(RETRY_MS, signal);
      attempt = reopen(untilItReturns);
    }
  }

  return { returned: follow(), isWatching: () => isWatching };
}

function failureAt({ url }: ClusterService, error: unknown): string {
  return describeFailure(`${url.replace(/\/$/, "")}: ${oneLine(error)}`);
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
  signal: AbortSignal,
): Promise<readonly ListedAffiliate[]> {
  return (await unlessAborted(client.list({ clusterId }, { signal }), signal)).affiliates;
}

async function lists(
  client: Client<typeof Cluster>,
  clusterId: string,
  nodeId: string,
  signal: AbortSignal,
): Promise<boolean> {
  return (await list(client, clusterId, signal)).some(({ id }) => id === nodeId);
}

function open(cipher: ClusterCipher, listed: ListedAffiliate): AffiliateSpec | undefined {
  const opened = listed.data.length === 0 ? undefined : openAffiliate(cipher, listed, () => {});
  return opened && createAffiliateSpec(opened);
}
