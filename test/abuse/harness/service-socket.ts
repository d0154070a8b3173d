/**
 * Sockets to a service: in plaintext or over TLS, by IPv4 or IPv6.
 * @module
 */
import { connect, isIPv6, type Socket } from "node:net";
import { connect as connectTls, type SecureContextOptions, type TlsOptions } from "node:tls";
import type { Target } from "../../harness/net/attack.ts";
import { SERVICE_HOST, SERVICE_HOST_IPV6 } from "./loopback-address.ts";

/** Options of TLS that an attacker may choose. */
export type TlsClientOptions = Pick<
  SecureContextOptions & TlsOptions,
  "ALPNProtocols" | "ecdhCurve" | "maxVersion"
>;

/** What is below sockets of TLS. */
const TCP_SOCKETS = new WeakMap<Socket, Socket>();

/** Connects by TCP alone, with the family of the local address. */
export function tcpSocket({ port }: Target, localAddress: string): Socket {
  const host = isIPv6(localAddress) ? SERVICE_HOST_IPV6 : SERVICE_HOST;
  return connect({ port, host, localAddress, noDelay: true });
}

/** Connects, and begins the handshake if the service speaks TLS. */
export function serviceSocket(
  target: Target,
  localAddress: string,
  options: TlsClientOptions = {},
): Socket {
  const socket = tcpSocket(target, localAddress);
  if (target.tls !== true) return socket;
  const { ALPNProtocols = ["h2"] } = options;
  const tls = connectTls({ socket, rejectUnauthorized: false, ...options, ALPNProtocols });
  TCP_SOCKETS.set(tls, socket);
  return tls;
}

/** Ends it with a TCP reset. */
export function resetSocket(socket: Socket): void {
  (TCP_SOCKETS.get(socket) ?? socket).resetAndDestroy();
}

/** The event of {@link serviceSocket} after which its bytes are sent at once. */
export function connectEvent({ tls }: Target): "connect" | "secureConnect" {
  return tls === true ? "secureConnect" : "connect";
}
