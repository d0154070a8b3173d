/**
 * TLS on connections that somebody else has accepted, under credentials that may change.
 * @module
 */

import type { Socket } from "node:net";
import { createSecureContext, createServer, type Server, type TLSSocket } from "node:tls";
import { DiscoveryError } from "../../errors.ts";
import { ignore } from "../ignore.ts";
import { awaitClientHello } from "./client-hello.ts";
import { HandshakeQueue } from "./handshake-queue.ts";
import { checkTlsCredentials, type TlsCredentials } from "./tls-credentials.ts";

export interface TlsDoorOptions {
  /** Longest time from {@link TlsDoor.accept} to the beginning of a handshake, and to its end. */
  readonly handshakeTimeoutMs: number;
  /**
   * A handshake is over, and where client certificates are asked for, the caller has shown a good
   * one.
   */
  readonly onConnection: (socket: TLSSocket) => void;
  /** A handshake has failed, or took too long, and its connection is closed. */
  readonly onFailure?: (socket: Socket) => void;
  /** Network key of the peer, for a share of the handshakes. `undefined` for trusted proxies. */
  readonly clientOf: (socket: Socket) => string | undefined;
}

/** Where handshakes happen. */
export interface TlsDoor {
  accept(socket: Socket): void;
  /**
   * Handshakes that begin from now on see these; connections and handshakes under way keep what
   * they have.
   *
   * @throws {DiscoveryError} `ERR_CERTIFICATE_INVALID`; all stays as it was.
   */
  replace(credentials: TlsCredentials): void;
  close(): void;
}

/**
 * @throws {DiscoveryError} `ERR_CERTIFICATE_INVALID`
 */
export function createTlsDoor(credentials: TlsCredentials, options: TlsDoorOptions): TlsDoor {
  const { handshakeTimeoutMs, onFailure, clientOf } = options;
  const queue = new HandshakeQueue();
  const start = (used: TlsCredentials) =>
    createTlsServer(used, {
      ...options,
      onConnection(socket) {
        queue.ended(socket);
        options.onConnection(socket);
      },
    });
  let server = start(credentials);
  return {
    accept(socket) {
      const timer = setTimeout(() => {
        socket.destroy();
        onFailure?.(socket);
      }, handshakeTimeoutMs);
      socket.once("close", () => clearTimeout(timer));
      awaitClientHello(socket, () =>
        queue.add(socket, clientOf(socket), () => {
          clearTimeout(timer);
          server.emit("connection", socket);
        }),
      );
    },
    replace(replacement) {
      // A server of its own, not `setSecureContext`: it has new keys for session tickets as well,
      // so that nobody resumes a session that another list of client CAs had let in; and it asks
      // for client certificates or does not.
      server = start(replacement);
    },
    close() {
      server.close();
    },
  };
}

function createTlsServer(
  credentials: TlsCredentials,
  { handshakeTimeoutMs, onConnection, onFailure }: Omit<TlsDoorOptions, "clientOf">,
): Server {
  checkTlsCredentials(credentials);
  const { cert, key, clientCa } = credentials;
  const asksForCertificate = clientCa !== undefined;
  let server: Server;
  try {
    server = createServer({
      cert: Buffer.from(cert),
      key: Buffer.from(key),
      ...(asksForCertificate && {
        ca: Buffer.from(clientCa),
        requestCert: true,
        rejectUnauthorized: true,
      }),
      // Also where Node's own flags or OpenSSL's configuration would allow less.
      minVersion: "TLSv1.2",
      ...keyExchange(),
      ALPNProtocols: ["h2", "http/1.1"],
      handshakeTimeout: handshakeTimeoutMs,
    });
  } catch (cause) {
    throw new DiscoveryError("ERR_CERTIFICATE_INVALID", "tls: certificate and key are refused", {
      cause,
    });
  }
  server.on("error", ignore);
  server.on("tlsClientError", (_error, socket) => {
    socket.destroy();
    onFailure?.(socket);
  });
  server.on("secureConnection", (socket) => {
    socket.on("error", ignore);
    // Again, for runtimes that know no client certificates: better nobody than everybody.
    if (asksForCertificate && !socket.authorized) socket.destroy();
    else onConnection(socket);
  });
  return server;
}

/**
 * Groups for the key exchange: those that every client supports, and the post-quantum one. With
 * P-521, X448 or FFDHE a handshake takes the service ten times as long.
 */
const GROUPS = ["X25519MLKEM768:X25519:P-256:P-384", "X25519:P-256:P-384"] as const;

/** The groups that this runtime knows; its own if it knows none of the lists. */
function keyExchange(): { readonly ecdhCurve?: string } {
  for (const ecdhCurve of GROUPS) {
    try {
      createSecureContext({ ecdhCurve });
      return { ecdhCurve };
    } catch {
      // OpenSSL before 3.5, in Node 22, has no ML-KEM.
    }
  }
  return {};
}
