/**
 * The service without a network, for tests and for programs that hold both sides.
 * @module
 */
import { createRouterTransport, type Interceptor, type Transport } from "@connectrpc/connect";
import { MAX_CLIENT_MESSAGE_BYTES } from "../protocol/limits.ts";
import type { Registry } from "../registry/registry.ts";
import type { ServerHooks } from "./rpc/call-report.ts";
import { clusterRoutes } from "./rpc/cluster-routes.ts";
import { peerAddressKey } from "./rpc/connect-caller.ts";
import { createProcedures, type ProceduresOptions } from "./rpc/procedures.ts";
import { MAX_REQUEST_BYTES } from "./rpc/request-body.ts";

/** Options of {@link memoryTransport}. */
export interface MemoryTransportOptions extends ProceduresOptions {
  /** The IP that `Hello` reports. @default none */
  readonly peerAddress?: string | undefined;
  readonly hooks?: ServerHooks | undefined;
}

/**
 * A transport for `DiscoveryClient` whose service is the registry, in this process. Messages are
 * encoded and decoded as on a wire.
 *
 * @param registry - Stays the caller's to close; watches end when it closes.
 * @example
 * const registry = new MemoryRegistry();
 * const transport = () => memoryTransport(registry);
 */
export function memoryTransport(
  registry: Registry,
  options: MemoryTransportOptions = {},
): Transport {
  const { peerAddress, hooks } = options;
  const withPeer: Interceptor = (next) => (request) => {
    request.contextValues.set(peerAddressKey, peerAddress);
    return next(request);
  };
  return createRouterTransport(clusterRoutes(createProcedures(registry, options), { hooks }), {
    router: { interceptors: [withPeer], readMaxBytes: MAX_REQUEST_BYTES },
    transport: { readMaxBytes: MAX_CLIENT_MESSAGE_BYTES },
  });
}
