/**
 * What needs a runtime with sockets and files: the server, gRPC, the identity file.
 * @module
 */
export {
  type AllowListChange,
  type ClusterAllowList,
  type ClusterAllowListOptions,
  watchClusterAllowList,
} from "./files/cluster-allow-list.ts";
export * from "./files/identity-file.ts";
export { createKubeSpanIdentity, loadKubeSpanIdentity } from "./files/kubespan-identity-file.ts";
export {
  type StaticMembersFile,
  type StaticMembersOptions,
  watchStaticMembers,
} from "./files/static-file.ts";
export {
  type ConnectionLimits,
  DEFAULT_CONNECTIONS_SHARE_PERCENT,
  DEFAULT_IDLE_TIMEOUT_MS,
  DEFAULT_MAX_CONNECT_STREAMS_PER_CONNECTION,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_HEADER_BYTES,
  DEFAULT_MAX_STREAMS_PER_CONNECTION,
  DEFAULT_PING_INTERVAL_MS,
  DEFAULT_PING_TIMEOUT_MS,
  DEFAULT_WRITE_TIMEOUT_MS,
} from "./http/connection-limits.ts";
export {
  type ListenAddress,
  type PageServer,
  type PagesAddress,
  type ServePagesOptions,
  servePages,
} from "./http/serve-pages.ts";
export {
  DEFAULT_UNSENT_PER_CLIENT,
  DEFAULT_UNSENT_PER_CONNECTION,
  DEFAULT_UNSENT_TOTAL,
  type UnsentLimits,
} from "./http/unsent-bytes.ts";
export { type CreateNodeApiOptions, createNodeApi } from "./kubernetes/kubernetes-nodes.ts";
export { type MachineMemory, readMachineMemory, resolveMaxMemory } from "./memory-limit.ts";
export {
  createRunningClock,
  type RunningClock,
  type RunningClockOptions,
} from "./running-clock.ts";
export { type DiscoveryServer, type ServeOptions, serve } from "./serve.ts";
export {
  createSnapshotFile,
  DEFAULT_SNAPSHOT_PATH,
  type SnapshotFileOptions,
} from "./snapshot/snapshot-file.ts";
export { readSnapshotFile, type SnapshotCluster } from "./snapshot/snapshot-reader.ts";
export {
  DEFAULT_RESTART_GRACE_MS,
  DEFAULT_SNAPSHOT_CHANGE_DELAY_MS,
  DEFAULT_SNAPSHOT_INTERVAL_MS,
  DEFAULT_SNAPSHOT_SHUTDOWN_TIMEOUT_MS,
  openSnapshotRegistry,
  type SnapshotRegistry,
  type SnapshotRegistryOptions,
} from "./snapshot/snapshot-registry.ts";
export {
  describeSnapshotLoad,
  describeSnapshotSave,
  type SnapshotLoadReport,
  type SnapshotReport,
} from "./snapshot/snapshot-report.ts";
export type { TlsCertificate, TlsCredentials } from "./tls/tls-credentials.ts";
export type { TlsFiles, TlsReload } from "./tls/tls-files.ts";
export {
  type GrpcTransport,
  type GrpcTransportOptions,
  grpcTransport,
  type PemCertificates,
} from "./transport/grpc-transport.ts";
