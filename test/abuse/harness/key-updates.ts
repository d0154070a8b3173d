/**
 * TLS 1.3 connections that change their keys, which Node's client cannot do by itself.
 * @see RFC 8446 sections 4.6.3, 5.2, 7.1 and 7.2
 * @module
 */
import { createCipheriv, createHmac } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:tls";
import { tcpSocket } from "./service-socket.ts";

const HASH = "sha256";
const SECRET_BYTES = 32;
/** `update_requested`: the service has to answer with an update of its own. */
const KEY_UPDATE = Buffer.from([24, 0, 0, 1, 1]);
const CONTENT = { handshake: 22, applicationData: 23 } as const;

/** A connection whose records are encrypted here, after Node's client has shaken hands. */
export class RekeyingConnection {
  readonly socket: Socket;
  #secret: Buffer;

  private constructor(socket: Socket, secret: Buffer) {
    this.socket = socket;
    this.#secret = secret;
  }

  static async open(port: number, localAddress: string): Promise<RekeyingConnection> {
    const socket = tcpSocket({ port }, localAddress);
    const tls = connect({
      socket,
      rejectUnauthorized: false,
      ALPNProtocols: ["h2"],
      minVersion: "TLSv1.3",
      ciphers: "TLS_AES_128_GCM_SHA256",
    });
    tls.on("error", () => {});
    socket.on("error", () => {});
    let secret: Buffer | undefined;
    tls.on("keylog", (line: Buffer) => {
      const hex = /^CLIENT_TRAFFIC_SECRET_0 \S+ (\S+)/.exec(line.toString())?.[1];
      if (hex !== undefined) secret = Buffer.from(hex, "hex");
    });
    // Sent when the service has all of the handshake: nothing else is written after it.
    await once(tls, "session");
    tls.resume();
    if (secret === undefined) throw new Error("no traffic secret in the key log");
    return new RekeyingConnection(socket, secret);
  }

  /** Records: application data under the present key, which is used for nothing else, and an update. */
  next(data: Uint8Array): Buffer {
    const records = [
      this.#record(CONTENT.applicationData, data, 0),
      this.#record(CONTENT.handshake, KEY_UPDATE, 1),
    ];
    this.#secret = expandLabel(this.#secret, "traffic upd", SECRET_BYTES);
    return Buffer.concat(records);
  }

  #record(type: number, content: Uint8Array, sequence: number): Buffer {
    const iv = expandLabel(this.#secret, "iv", 12);
    iv.writeUInt32BE((iv.readUInt32BE(8) ^ sequence) >>> 0, 8);
    const cipher = createCipheriv("aes-128-gcm", expandLabel(this.#secret, "key", 16), iv);
    const length = content.length + 1 + 16;
    const head = Buffer.from([CONTENT.applicationData, 3, 3, length >> 8, length & 255]);
    cipher.setAAD(head);
    const sealed = [cipher.update(content), cipher.update(Buffer.of(type)), cipher.final()];
    return Buffer.concat([head, ...sealed, cipher.getAuthTag()]);
  }
}

/** HKDF-Expand-Label without a context; one block of the hash is enough. */
function expandLabel(secret: Uint8Array, label: string, length: number): Buffer {
  const text = Buffer.from(`tls13 ${label}`);
  const info = Buffer.from([length >> 8, length & 255, text.length, ...text, 0, 1]);
  return createHmac(HASH, secret).update(info).digest().subarray(0, length);
}
