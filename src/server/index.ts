/**
 * The service over a `Registry`, on web standards alone.
 * @module
 */

export { createFetchHandler, type FetchHandlerOptions, type RequestInfo } from "./fetch-handler.ts";
export { type ByteRate, DEFAULT_BYTE_RATE } from "./limits/byte-rate.ts";
export { type ClientHeaders, clientAddress, parseTrustedProxies } from "./limits/client-address.ts";
export { DEFAULT_PROBE_RATE_LIMIT, type ProbeRateLimit } from "./limits/probe-limit.ts";
export { DEFAULT_RATE_LIMIT, type RateLimit } from "./limits/rate-limit.ts";
export {
  type Ceilings,
  DEFAULT_MAX_WATCHES,
  DEFAULT_MAX_WATCHES_PER_CLIENT,
  DEFAULT_WATCHES_SHARE_PERCENT,
} from "./limits/watch-ceiling.ts";
export { type MemoryTransportOptions, memoryTransport } from "./memory-transport.ts";
export { firstOf, type PageRequest, type Pages } from "./pages/pages.ts";
export type { PlainPage } from "./pages/plain-page.ts";
export { ServiceHealth } from "./pages/service-health.ts";
export { type ServicePagesOptions, servicePages } from "./pages/service-pages.ts";
export type { CallReport, ClusterMethod, RefusalDetails, ServerHooks } from "./rpc/call-report.ts";
export type { Caller } from "./rpc/caller.ts";
export { type ClusterRoutesOptions, clusterRoutes } from "./rpc/cluster-routes.ts";
export { peerAddressKey } from "./rpc/connect-caller.ts";
export { type HealthRoutesOptions, healthRoutes } from "./rpc/health-routes.ts";
export {
  createProcedures,
  type HelloAnswer,
  type Procedures,
  type ProceduresOptions,
  type UpdateFields,
} from "./rpc/procedures.ts";
export { reflectionRoutes } from "./rpc/reflection-routes.ts";
export { REFUSAL_REASONS, type RefusalReason, refusalReason } from "./rpc/refusal-reason.ts";
export type { RpcCode } from "./rpc/rpc-status.ts";
export type { HttpServiceOptions } from "./service-options.ts";
