/**
 * TLS on connections that somebody else has accepted, under credentials that may change.
 * @module
 */

import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { DiscoveryError } from "../../errors.ts";
import { ignore } from "../ignore.ts";
import { checkTlsCredentials, type TlsCredentials } from "./tls-credentials.ts";

export interface TlsDoorOptions {
  readonly handshakeTimeoutMs: number;
  /**
   * A handshake is over, and where client certificates are asked for, the caller has shown a good
   * one.
   */
  readonly onConnection: (socket: TLSSocket) => void;
  /** A handshake has failed, or took too long, and its connection is closed. */
  readonly onFailure?: (socket: TLSSocket) => void;
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
  let server = createTlsServer(credentials, options);
  return {
    accept(socket) {
      server.emit("connection", socket);
    },
    replace(replacement) {
      // A server of its own, not `setSecureContext`: it has new keys for session tickets as well,
      // so that nobody resumes a session that another list of client CAs had let in; and it asks
      // for client certificates or does not.
      server = createTlsServer(replacement, options);
    },
    close() {
      server.close();
    },
  };
}

function createTlsServer(
  credentials: TlsCredentials,
  { handshakeTimeoutMs, onConnection, onFailure }: TlsDoorOptions,
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
