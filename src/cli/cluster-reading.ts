/**
 * Reads a cluster without taking part: a client that publishes nothing.
 * @module
 */
import {
  type AffiliateChange,
  DiscoveryClient,
  type DiscoveryClientOptions,
  type DropReport,
} from "../client/index.ts";
import type { DiscoveryError } from "../errors.ts";
import { generateNodeId } from "../identity/index.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { CommandFailure, oneLine, UsageError } from "./exit.ts";
import { CLIENT_VERSION } from "./version.ts";

export { CLIENT_VERSION };

/** The first of a cluster's services, as a client takes it. */
export function firstService({
  services: [service],
  clusterId,
  clusterSecret,
  transport,
}: ClusterAccess): Pick<
  DiscoveryClientOptions,
  "service" | "clusterId" | "clusterSecret" | "transport"
> {
  if (service === undefined || clusterId === undefined || clusterSecret === undefined) {
    throw new UsageError("--service: none is given");
  }
  return { service: service.url, clusterId, clusterSecret, transport };
}

/** Options of {@link watchCluster}. */
export interface ClusterReadingOptions {
  readonly signal: AbortSignal;
  /** Told of affiliates that did not open. */
  readonly onDrop: (report: DropReport) => void;
  /** Told of each failure; the next attempt follows by itself. */
  readonly onRetry: (error: DiscoveryError, delayMs: number) => void;
}

/** Follows a cluster until `signal` aborts or the loop is left; both free everything. */
export async function* watchCluster(
  access: ClusterAccess,
  { signal, onDrop, onRetry }: ClusterReadingOptions,
): AsyncGenerator<AffiliateChange, void, undefined> {
  const left = new AbortController();
  const ended = AbortSignal.any([signal, left.signal]);
  const client = new DiscoveryClient({
    ...firstService(access),
    // Nothing is published, so this is nobody's: it only keeps the client from taking another node for itself.
    nodeId: generateNodeId(),
    clientVersion: CLIENT_VERSION,
    onDrop,
    onRetry,
  });
  const running = client.run({ signal: ended });
  try {
    yield* client.watch({ signal: ended });
  } finally {
    left.abort();
    await running;
  }
}

/**
 * Asks once for everything known. The first failure is final: whoever asks once wants an answer, not patience.
 *
 * @throws {CommandFailure} when the service cannot be reached, or not within `timeoutMs`.
 */
export async function readClusterOnce(
  access: ClusterAccess,
  {
    signal,
    timeoutMs,
    onDrop,
  }: Pick<ClusterReadingOptions, "signal" | "onDrop"> & { readonly timeoutMs: number },
): Promise<AffiliateChange> {
  const failed = new AbortController();
  const timeout = AbortSignal.timeout(timeoutMs);
  let failure: DiscoveryError | undefined;
  const changes = watchCluster(access, {
    signal: AbortSignal.any([signal, timeout, failed.signal]),
    onDrop,
    onRetry: (error) => {
      failure ??= error;
      failed.abort();
    },
  });
  for await (const change of changes) return change;
  if (failure !== undefined) throw new CommandFailure(oneLine(failure), { cause: failure });
  if (timeout.aborted) {
    throw new CommandFailure(`${access.services[0]?.url}: no answer within ${timeoutMs / 1000} s`);
  }
  throw new CommandFailure("interrupted");
}
