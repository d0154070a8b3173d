/**
 * The way to a service as the earlier checks found it, for those that look at its bytes.
 * @module
 */
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { ServiceUrl } from "../../client/service-url.ts";
import { trustedCertificates } from "../../node/transport/grpc-transport.ts";
import { openProxyTunnel } from "../../node/transport/proxy-tunnel.ts";
import { bareHost } from "./configuration-check.ts";

/** Where to, and through what. */
export interface Route {
  readonly service: ServiceUrl;
  /** Connects for us. */
  readonly proxy: URL | undefined;
  /** Addresses of the service, where no proxy looks them up; the first is used. */
  readonly addresses: readonly string[];
  /** PEM certificates to trust besides the runtime's. */
  readonly ca: string | undefined;
}

/** Connects to one address. Rejects with the runtime's error, or `signal.reason`. */
export function openTcp(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return settled(connect({ host, port, noDelay: true }), "connect", signal);
}

/** A connection on which the service is spoken to: TCP, or the proxy's tunnel. */
export async function openSocket(route: Route, signal: AbortSignal): Promise<Socket> {
  const { service, proxy, addresses, ca } = route;
  if (proxy === undefined) {
    return openTcp(addresses[0] ?? bareHost(service), service.port, signal);
  }
  const socket = await openProxyTunnel(proxy, service, { ca: trustedCertificates(ca), signal });
  socket.on("error", () => {});
  return socket;
}

/**
 * Puts TLS on a connection, whatever the certificate: who calls looks at it.
 *
 * @returns After the handshake; with HTTP/2 and HTTP/1.1 offered.
 */
export function secure(socket: Socket, route: Route, signal: AbortSignal): Promise<TLSSocket> {
  const host = bareHost(route.service);
  const ca = trustedCertificates(route.ca);
  const secured = connectTls({
    socket,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: [...ca] }),
    ALPNProtocols: ["h2", "http/1.1"],
    rejectUnauthorized: false,
  });
  return settled(secured, "secureConnect", signal);
}

/** The connection as the transport makes it, but for the judgement of the certificate. */
export async function openStream(route: Route, signal: AbortSignal): Promise<Socket> {
  const socket = await openSocket(route, signal);
  return route.service.tls ? secure(socket, route, signal) : socket;
}

/** Waits for a connection's first event; one that fails or takes too long is destroyed. */
function settled<Connection extends Socket>(
  socket: Connection,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const end = () => {
      socket.off(event, onReady);
      socket.off("close", onClose);
      signal.removeEventListener("abort", onAbort);
    };
    const fail = (reason: unknown) => {
      end();
      socket.destroy();
      reject(reason);
    };
    const onReady = () => {
      end();
      resolve(socket);
    };
    const onClose = () => fail(new Error("the connection was closed"));
    const onAbort = () => fail(signal.reason);
    // Stays on: an error after this is seen by its effects.
    socket.on("error", fail);
    socket.once(event, onReady);
    socket.once("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
