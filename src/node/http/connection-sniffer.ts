/**
 * Tells from the first bytes what a connection speaks, so that one port serves all.
 * @module
 */
import type { Socket } from "node:net";
import { judgeFirstBytes } from "../first-bytes.ts";

/**
 * What a connection begins with. All that is neither of the others is left to the HTTP/1.1 parser
 * to judge.
 */
export type Protocol = "http2" | "http1" | "tls";

/**
 * RFC 9113 section 3.4. No method of HTTP/1.1 begins with `PRI`, and these bytes are reserved for
 * that reason.
 */
const HTTP2_PREFACE_START = "PRI";

/** RFC 8446 section 5.1: content type of a handshake record. */
const TLS_HANDSHAKE = 0x16;

/**
 * Waits for the first bytes of a connection, puts them back, and tells what they are.
 *
 * @param socket - New and not yet read from. Destroyed where it stays silent for `timeoutMs`, which
 *   is told as `silent`, or ends before it has said anything; `onProtocol` is then not called.
 */
export function sniffProtocol(
  socket: Socket,
  timeoutMs: number,
  onProtocol: (protocol: Protocol | "silent") => void,
): void {
  const timer = setTimeout(() => {
    socket.destroy();
    onProtocol("silent");
  }, timeoutMs);
  socket.once("close", () => clearTimeout(timer));
  judgeFirstBytes(socket, protocolOf, (protocol) => {
    clearTimeout(timer);
    onProtocol(protocol);
  });
}

/** @returns `undefined` while the bytes are too few to tell. */
function protocolOf(bytes: Buffer): Protocol | undefined {
  if (bytes[0] === TLS_HANDSHAKE) return "tls";
  const start = bytes.toString("latin1", 0, HTTP2_PREFACE_START.length);
  if (start === HTTP2_PREFACE_START) return "http2";
  return HTTP2_PREFACE_START.startsWith(start) ? undefined : "http1";
}
