/**
 * Transports over `fetch`: gRPC-Web and Connect.
 * @module
 */
export { connectTransport, grpcWebTransport, type WebTransportOptions } from "./transport.ts";
