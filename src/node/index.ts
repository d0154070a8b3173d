/**
 * What needs a runtime with sockets and files: the server, gRPC, the identity file.
 * @module
 */
export {
  type AllowListChange,
  type ClusterAllowList,
  type ClusterAllowListOptions,
  watchClusterAllowList,
} from "./cluster-allow-list.ts";
export {
  type ConnectionLimits,
  DEFAULT_IDLE_TIMEOUT_MS,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_HEADER_BYTES,
  DEFAULT_MAX_STREAMS_PER_CONNECTION,
} from "./connection-limits.ts";
export * from "./identity-file.ts";
export { type CreateNodeApiOptions, createNodeApi } from "./kubernetes-nodes.ts";
export { createKubeSpanIdentity, loadKubeSpanIdentity } from "./kubespan-identity-file.ts";
export {
  createRunningClock,
  type RunningClock,
  type RunningClockOptions,
} from "./running-clock.ts";
export { type DiscoveryServer, type ServeOptions, serve } from "./serve.ts";
export {
  type ListenAddress,
  type PageServer,
  type PagesAddress,
  type ServePagesOptions,
  servePages,
} from "./serve-pages.ts";
export {
  createSnapshotFile,
  DEFAULT_SNAPSHOT_PATH,
  type SnapshotFileOptions,
} from "./snapshot-file.ts";
export { readSnapshotFile, type SnapshotCluster } from "./snapshot-reader.ts";
export {
  DEFAULT_RESTORE_GRACE_MS,
  DEFAULT_SNAPSHOT_CHANGE_DELAY_MS,
  DEFAULT_SNAPSHOT_CLOSE_LIMIT_MS,
  DEFAULT_SNAPSHOT_INTERVAL_MS,
  openSnapshotRegistry,
  type SnapshotRegistry,
  type SnapshotRegistryOptions,
} from "./snapshot-registry.ts";
export {
  describeSnapshotLoad,
  describeSnapshotSave,
  type SnapshotLoadReport,
  type SnapshotReport,
} from "./snapshot-report.ts";
export {
  type StaticMembersFile,
  type StaticMembersOptions,
  watchStaticMembers,
} from "./static-file.ts";
export type { TlsCertificate, TlsCredentials } from "./tls-credentials.ts";
export type { TlsFiles, TlsReload } from "./tls-files.ts";
export {
  type GrpcTransport,
  type GrpcTransportOptions,
  grpcTransport,
  type PemCertificates,
} from "./transport.ts";
