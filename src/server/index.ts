/**
 * The service over a `Registry`, on web standards alone.
 * @module
 */
export type { CallReport, ClusterMethod, ServerHooks } from "./call-report.ts";
export { type ClientHeaders, clientAddress, parseTrustedProxies } from "./client-address.ts";
export { type ClusterRoutesOptions, clusterRoutes, peerAddressKey } from "./cluster-routes.ts";
export type { CorsOptions } from "./cors.ts";
export { createFetchHandler, type FetchHandlerOptions, type RequestInfo } from "./fetch-handler.ts";
export { healthRoutes } from "./health-routes.ts";
export type { HttpServiceOptions } from "./http-service.ts";
export { type MemoryTransportOptions, memoryTransport } from "./memory-transport.ts";
export { firstOf, type PageRequest, type Pages } from "./pages.ts";
export type { PlainPage } from "./plain-page.ts";
export {
  type Caller,
  createProcedures,
  type HelloAnswer,
  type Procedures,
  type ProceduresOptions,
  type UpdateFields,
} from "./procedures.ts";
export { DEFAULT_RATE_LIMIT, type RateLimit } from "./rate-limit.ts";
export { reflectionRoutes } from "./reflection-routes.ts";
export { REFUSAL_REASONS, type RefusalReason, refusalReason } from "./refusal-reason.ts";
export type { RpcCode } from "./rpc-status.ts";
export { ServiceHealth } from "./service-health.ts";
export { type ServicePagesOptions, servicePages } from "./service-pages.ts";
export {
  type Ceilings,
  DEFAULT_MAX_WATCHES,
  DEFAULT_MAX_WATCHES_PER_CLIENT,
} from "./watch-ceiling.ts";
