/**
 * The registries that flags name: discovery services, Kubernetes, a file.
 * @module
 */
import type { DropReport } from "../../client/index.ts";
import type { DiscoveryRegistry, StaticRegistry } from "../../discovery/index.ts";
import { type DiscoveryError, isDiscoveryError } from "../../errors.ts";
import { generateNodeId } from "../../identity/index.ts";
import type { FileWatch } from "../../node/files/file-watch.ts";
import { watchStaticMembers } from "../../node/files/static-file.ts";
import { KubernetesRegistry } from "../../sources/kubernetes/index.ts";
import { ServiceRegistry } from "../../sources/service/service-registry.ts";
import { oneLine } from "../exit.ts";
import { CLIENT_VERSION } from "../version.ts";
import { type ClusterAccess, IN_CLUSTER } from "./cluster-access.ts";
import { describeNodeDrop } from "./notices.ts";
import { UnopenedRegistry, type UnopenedRegistryOptions } from "./unopened-registry.ts";

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

/**
 * Makes the registries, none of them running yet. Where there are several, one whose file does not
 * load is one that has failed; it is opened as soon as its file is mended.
 *
 * @throws {DiscoveryError} of a file where no registry is left to ask.
 */
export async function openRegistries(
  access: ClusterAccess,
  options: OpenRegistriesOptions,
): Promise<DiscoveryRegistry[]> {
  const services = openServices(access, options);
  const files = await Promise.all(
    filesOf(access, options).map((file) => openFile(file, options.onRetry)),
  );
  const registries = [...(services === undefined ? [] : [services]), ...files];
  const failed = registries.filter((registry) => registry instanceof UnopenedRegistry);
  if (failed[0] !== undefined && failed.length === registries.length) throw failed[0].error;
  return registries;
}

/** A registry that begins with a file. */
type RegistryFile = Pick<UnopenedRegistryOptions, "name" | "source" | "open" | "publishes">;

function filesOf(
  { kubeconfig, staticFile, signal }: ClusterAccess,
  options: OpenRegistriesOptions,
): RegistryFile[] {
  const files: RegistryFile[] = [];
  if (kubeconfig !== undefined) {
    const open = () => openKubernetes(kubeconfig, signal, options);
    const publishes = options.nodeName !== undefined;
    files.push({ name: "k8s", source: kubeconfig, open, publishes });
  }
  if (staticFile !== undefined) {
    const open = () => openStaticFile(staticFile, options);
    files.push({ name: "static", source: staticFile, open, publishes: false });
  }
  return files;
}

async function openFile(
  file: RegistryFile,
  onRetry: OpenRegistriesOptions["onRetry"],
): Promise<DiscoveryRegistry> {
  try {
    return await file.open();
  } catch (error) {
    if (!isDiscoveryError(error)) throw error;
    return new UnopenedRegistry({ ...file, error, onRetry });
  }
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
    // Who publishes nothing is nobody: an ID only keeps the client from taking another node for
    // itself.
    nodeId: nodeId ?? generateNodeId(),
    ttlMs,
    clientVersion: CLIENT_VERSION,
    onDrop,
    onRetry,
  });
}

async function openKubernetes(
  kubeconfig: string,
  signal: AbortSignal | undefined,
  { nodeId, nodeName, onNotice, onRetry }: OpenRegistriesOptions,
): Promise<DiscoveryRegistry> {
  // Loaded where it is wanted: the client for it is large, and need not be installed.
  const { createNodeApi } = await import("../../node/kubernetes/kubernetes-nodes.ts");
  return new KubernetesRegistry({
    nodes: await createNodeApi(kubeconfig === IN_CLUSTER ? {} : { kubeconfig, signal }),
    nodeId,
    nodeName,
    onDrop: (report) => onNotice(describeNodeDrop(report)),
    onRetry,
    onMissing: ({ message }) => onNotice(message),
  });
}

/** A list of members that is read again when it changes, while the registry runs. */
async function openStaticFile(
  path: string,
  { onNotice }: OpenRegistriesOptions,
): Promise<DiscoveryRegistry> {
  const onError = (error: DiscoveryError) =>
    onNotice(`${oneLine(error)}; what it had before is still in force`);
  const opened = await watchStaticMembers(path, { onError });
  const { registry } = opened;
  let file: FileWatch | undefined = opened;
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
        // A machine that slept runs its registries anew.
        file ??= await followStaticFile(path, registry, onError);
        await registry.run(options);
      } finally {
        file?.close();
        file = undefined;
      }
    },
  };
}

/** Goes on where another watch of the file was closed. */
async function followStaticFile(
  path: string,
  registry: StaticRegistry,
  onError: (error: DiscoveryError) => void,
): Promise<FileWatch> {
  const take = () => registry.replace(file.registry.affiliates.values());
  const file = await watchStaticMembers(path, {
    onReload: take,
    onError: (error) => {
      registry.fail(error);
      onError(error);
    },
  });
  take();
  return file;
}
