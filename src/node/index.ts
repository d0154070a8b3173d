/**
 * What needs a runtime with sockets and files: the server, gRPC, the identity file.
 * @module
 */
export * from "./identity-file.ts";
export type { TlsCredentials } from "./one-port-server.ts";
export { type DiscoveryServer, type ServeOptions, serve } from "./serve.ts";
export * from "./transport.ts";
