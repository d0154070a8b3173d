/**
 * The registries that flags name: discovery services, Kubernetes, a file.
 * @module
 */
import type { DropReport } from "../client/index.ts";
import type { DiscoveryRegistry } from "../discovery/index.ts";
import { ServiceRegistry } from "../discovery/service-registry.ts";
import type { DiscoveryError } from "../errors.ts";
import { generateNodeId } from "../identity/index.ts";
import { KubernetesRegistry } from "../kubernetes/index.ts";
import { watchStaticMembers } from "../node/static-file.ts";
import { type ClusterAccess, IN_CLUSTER } from "./cluster-access.ts";
import { describeNodeDrop } from "./drop-summary.ts";
import { oneLine } from "./exit.ts";
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
  /** Told of all else that a user should know, in one line. */
  readonly onNotice: (line: string) => void;
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
  if (access.staticFile !== undefined)
    registries.push(await openStaticFile(access.staticFile, options));
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
  kubeconfig: string,
  { nodeId, nodeName, onNotice, onRetry }: OpenRegistriesOptions,
): Promise<DiscoveryRegistry> {
  // Loaded where it is wanted: the client for it is large, and need not be installed.
  const { createNodeApi } = await import("../node/kubernetes-nodes.ts");
  return new KubernetesRegistry({
    nodes: await createNodeApi(kubeconfig === IN_CLUSTER ? {} : { kubeconfig }),
    nodeId,
    nodeName,
    onDrop: (report) => onNotice(describeNodeDrop(report)),
    onRetry,
    onMissing: ({ message }) => onNotice(message),
  });
}

/** A list of members that is read again when it changes, for as long as the registry runs. */
async function openStaticFile(
  path: string,
  { onNotice }: OpenRegistriesOptions,
): Promise<DiscoveryRegistry> {
  const { registry, close } = await watchStaticMembers(path, {
    onError: (error) => onNotice(`${oneLine(error)}; what it had before is still in force`),
  });
  return {
    name: registry.name,
    get status() {
      return registry.status;
    },
    get affiliates() {
      return registry.affiliates;
    },
    watch: (options) => registry.watch(options),
    async run(options) {
      try {
        await registry.run(options);
      } finally {
        close();
      }
    },
  };
}
