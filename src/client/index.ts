/**
 * A node's side of discovery.
 * @module
 */

export type { Sleep } from "../async/timers.ts";
export type { SignalOptions } from "../async/waits.ts";
export type {
  AffiliateChange,
  DiscoveredAffiliate,
  DropReport,
} from "./affiliate-change.ts";
export type { ClientLog, DiscoveryClientOptions } from "./client-options.ts";
export type {
  ClosableTransport,
  TransportFactory,
  TransportFactoryOptions,
} from "./connection.ts";
export { type ClientStatus, DiscoveryClient } from "./discovery-client.ts";
export type { OtherEndpoints, PublishOptions } from "./sealing.ts";
export { parseServiceUrl, type ServiceUrl } from "./service-url.ts";
