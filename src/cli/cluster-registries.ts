/**
 * The registries that flags name: discovery services, Kubernetes, a file.
 * @module
 */
import type { DropReport } from "../client/index.ts";
import type { DiscoveryRegistry } from "../discovery/index.ts";
import { ServiceRegistry } from "../discovery/service-registry.ts";
import type { DiscoveryError } from "../errors.ts";
import { generateNodeId } from "../identity/index.ts";
import type { NodeDropReport } from "../kubernetes/index.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { UsageError } from "./exit.ts";
import { CLIENT_VERSION } from "./version.ts";

/** Options of {@link openRegistries}. */
export interface OpenRegistriesOptions {
  /** The local node, where this machine takes part. */
  readonly nodeId?: string | undefined;
  /** The `Node` object on which it tells of itself. */
  readonly nodeName?: string | undefined;
  /** How long services keep it unrefreshed, in ms. */
  readonly ttlMs?: number | undefined;
  /** Told of what services list and cannot be used. */
  readonly onDrop: (report: DropReport) => void;
  /** Told of what on `Node` objects cannot be used. */
  readonly onNodeDrop: (report: NodeDropReport) => void;
  /** Told of each failure; the next attempt follows by itself. */
  readonly onRetry: (error: DiscoveryError, delayMs: number) => void;
}

/** Makes the registries, none of them running yet. */
export async function openRegistries(
  access: ClusterAccess,
  options: OpenRegistriesOptions,
): Promise<DiscoveryRegistry[]> {
  const registries: DiscoveryRegistry[] = [];
  const services = openServices(access, options);
  if (services !== undefined) registries.push(services);
  if (access.kubeconfig !== undefined) {
    registries.push(await openKubernetes(access.kubeconfig, options));
  }
  if (access.staticFile !== undefined) registries.push(await openStaticFile(access.staticFile));
  return registries;
}

function openServices(
  { services, clusterId, clusterSecret, transport }: ClusterAccess,
  { nodeId, ttlMs, onDrop, onRetry }: OpenRegistriesOptions,
): ServiceRegistry | undefined {
  if (services.length === 0 || clusterId === undefined || clusterSecret === undefined) {
    return undefined;
  }
  return new ServiceRegistry({
    services,
    clusterId,
    clusterSecret,
    transport,
    // Who publishes nothing is nobody: an ID only keeps the client from taking another node for itself.
    nodeId: nodeId ?? generateNodeId(),
    ttlMs,
    clientVersion: CLIENT_VERSION,
    onDrop,
    onRetry,
  });
}

async function openKubernetes(
  _kubeconfig: string,
  _options: OpenRegistriesOptions,
): Promise<DiscoveryRegistry> {
  throw new UsageError("--kubeconfig: not yet");
}

async function openStaticFile(_path: string): Promise<DiscoveryRegistry> {
  throw new UsageError("--static: not yet");
}
