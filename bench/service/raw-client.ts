/**
 * Raw calls over HTTP/2 in every protocol of our service, as bytes in and bytes out: what a client
 * library would add is left out.
 * @module
 */
import { once } from "node:events";
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";

/** How a client asks. */
export interface Protocol {
  readonly name: string;
  readonly codec: "binary" | "json";
  readonly unaryType: string;
  /** Whether unary messages are in envelopes, as those of streams always are. */
  readonly isEnveloped: boolean;
  readonly streamType: string;
}

/** The first is what the others are compared with. */
export const PROTOCOLS: readonly Protocol[] = [
  {
    name: "gRPC",
    codec: "binary",
    unaryType: "application/grpc",
    isEnveloped: true,
    streamType: "application/grpc",
  },
  {
    name: "gRPC-Web",
    codec: "binary",
    unaryType: "application/grpc-web+proto",
    isEnveloped: true,
    streamType: "application/grpc-web+proto",
  },
  {
    name: "Connect, proto",
    codec: "binary",
    unaryType: "application/proto",
    isEnveloped: false,
    streamType: "application/connect+proto",
  },
  {
    name: "Connect, JSON",
    codec: "json",
    unaryType: "application/json",
    isEnveloped: false,
    streamType: "application/connect+json",
  },
];

const ENVELOPE_HEAD_BYTES = 5;

/** Flags of envelopes that end a stream: those of gRPC-Web's trailers and of Connect. */
const END_FLAGS = 0x80 | 0x02;

/** Calls with one address, which the limits of calls and of bytes let through at once. */
const CALLS_PER_ADDRESS = 10;

/** Of all clients of this process, so that no two share an address. */
let calls = 0;

/** A message in its envelope. */
export function envelope(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ENVELOPE_HEAD_BYTES + message.length);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, ENVELOPE_HEAD_BYTES);
  return bytes;
}

/** Some connections to one server, used in turn. */
export class RawClient implements Disposable {
  readonly #sessions: readonly ClientHttp2Session[];

  private constructor(sessions: readonly ClientHttp2Session[]) {
    this.#sessions = sessions;
  }

  static async open(endpoint: string, connections: number): Promise<RawClient> {
    const sessions = Array.from({ length: connections }, () => connect(`http://${endpoint}`));
    await Promise.all(sessions.map((session) => once(session, "connect")));
    return new RawClient(sessions);
  }

  /**
   * @param message - Without an envelope.
   * @returns The answer's message, without its envelope.
   * @throws {Error} If the call fails.
   */
  async unary(protocol: Protocol, method: string, message: Uint8Array): Promise<Uint8Array> {
    const { isEnveloped, unaryType } = protocol;
    const stream = this.#request(method, unaryType);
    const chunks: Uint8Array[] = [];
    let failure = "";
    const check = (headers: Record<string, unknown>) => {
      const { ":status": status = 200, "grpc-status": code = "0" } = headers;
      if (status !== 200 || code !== "0") failure = JSON.stringify(headers);
    };
    stream.on("response", check);
    stream.on("trailers", check);
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.end(isEnveloped ? envelope(message) : message);
    await once(stream, "close");
    const bytes = Buffer.concat(chunks);
    if (failure !== "") throw new Error(`${protocol.name}: ${method}: ${failure}`);
    if (!isEnveloped) return bytes;
    const length = bytes.readUInt32BE(1);
    return bytes.subarray(ENVELOPE_HEAD_BYTES, ENVELOPE_HEAD_BYTES + length);
  }

  /**
   * Begins a watch, whose messages are counted; the first bytes are kept until its first message is
   * whole.
   */
  watch(protocol: Protocol, method: string, message: Uint8Array): RawWatch {
    const stream = this.#request(method, protocol.streamType);
    const watch = new RawWatch();
    stream.on("data", (chunk: Buffer) => watch.receive(chunk));
    stream.on("error", () => {});
    stream.end(envelope(message));
    return watch;
  }

  #request(method: string, contentType: string) {
    const call = calls++;
    const address = Math.floor(call / CALLS_PER_ADDRESS);
    const headers: OutgoingHttpHeaders = {
      ":method": "POST",
      ":path": `/sidero.discovery.server.Cluster/${method}`,
      "content-type": contentType,
      "x-real-ip": `10.${(address >> 16) & 255}.${(address >> 8) & 255}.${address & 255}`,
      te: "trailers",
    };
    const session = this.#sessions[call % this.#sessions.length] as ClientHttp2Session;
    return session.request(headers);
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions) session.destroy();
  }
}

/** Counts the messages of one watch, across the borders of its chunks. */
export class RawWatch {
  messages = 0;
  bytes = 0;
  hasEnded = false;
  /** The last message, whole. */
  last: Uint8Array = new Uint8Array(0);
  #rest: Buffer = Buffer.alloc(0);

  receive(chunk: Buffer): void {
    this.bytes += chunk.length;
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= ENVELOPE_HEAD_BYTES) {
      const end = at + ENVELOPE_HEAD_BYTES + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      if (((bytes[at] as number) & END_FLAGS) !== 0) this.hasEnded = true;
      else this.messages++;
      this.last = bytes.subarray(at + ENVELOPE_HEAD_BYTES, end);
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }
}
