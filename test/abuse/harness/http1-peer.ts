/**
 * An HTTP/1.1 client that writes raw bytes.
 * @module
 */
import { connectedSocket, RawPeer, type RawPeerOptions } from "./raw-peer.ts";

/** More than any answer whose text a test reads. */
const KEPT_CHARACTERS = 100_000;

export class Http1Peer extends RawPeer {
  #text = "";

  static async connect(options: RawPeerOptions): Promise<Http1Peer> {
    return new Http1Peer(
      await connectedSocket({ ALPNProtocols: ["http/1.1"], ...options }),
      options.reads ?? true,
    );
  }

  /** The beginning of what it has read. */
  get text(): string {
    return this.#text;
  }

  /** Status of each answer whose beginning is kept. */
  get statuses(): readonly number[] {
    return Array.from(this.#text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm), ([, code]) => Number(code));
  }

  protected override take(chunk: Buffer): void {
    if (this.#text.length < KEPT_CHARACTERS) this.#text += chunk.toString("latin1");
  }
}

/** Encodes a request; nothing is checked. */
export function http1Request(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array = new Uint8Array(0),
): Buffer {
  const lines = Object.entries({ Host: "localhost", ...headers }).map(([k, v]) => `${k}: ${v}`);
  if (method === "POST") lines.push(`Content-Length: ${body.length}`);
  return Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`, "latin1"),
    body,
  ]);
}
