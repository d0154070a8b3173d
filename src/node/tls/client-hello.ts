/**
 * The first message of TLS, awaited whole, so that whoever takes over begins with all of it.
 * @see RFC 8446 sections 4.1.2 and 5.1
 * @module
 */
import type { Socket } from "node:net";
import { judgeFirstBytes } from "../first-bytes.ts";

const TLS_HANDSHAKE = 0x16;
const RECORD_HEAD_BYTES = 5;
const MESSAGE_HEAD_BYTES = 4;
/** Longer ones are left to TLS to refuse. Those of clients have 300 to 2,000 bytes. */
const MAX_HELLO_BYTES = 16_384;

/**
 * Calls back when the ClientHello is whole, or when the bytes are none; they are put back first.
 *
 * @param socket - Not yet read from, or with bytes put back. If it closes, nothing is called.
 */
export function awaitClientHello(socket: Socket, onHello: () => void): void {
  judgeFirstBytes(socket, (bytes) => isWholeHello(bytes) || undefined, onHello);
}

/** Whether there is nothing to wait for. A message may be spread over records. */
export function isWholeHello(bytes: Buffer): boolean {
  const head: number[] = [];
  let messageBytes = 0;
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== TLS_HANDSHAKE || at > MAX_HELLO_BYTES) return true;
    if (at + RECORD_HEAD_BYTES > bytes.length) return false;
    const start = at + RECORD_HEAD_BYTES;
    const end = start + bytes.readUInt16BE(at + 3);
    // An empty record is an error of its own.
    if (end === start) return true;
    for (let i = start; head.length < MESSAGE_HEAD_BYTES && i < Math.min(end, bytes.length); i++) {
      head.push(bytes[i] ?? 0);
    }
    messageBytes += Math.min(end, bytes.length) - start;
    if (head.length === MESSAGE_HEAD_BYTES) {
      const length = Buffer.from(head).readUIntBE(1, 3);
      if (length > MAX_HELLO_BYTES || messageBytes >= MESSAGE_HEAD_BYTES + length) return true;
    }
    at = end;
  }
  return false;
}
