/**
 * One gRPC call over HTTP/2, held in the hand: its pieces are sent and its answer is read when the test says so.
 * @module
 */
import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { type WatchResponse, WatchResponseSchema } from "../../src/protocol/index.ts";
import { CA } from "../harness/service/test-service.ts";

/** A connection whose errors are looked at by nobody: its calls tell. */
export class RawConnection implements Disposable {
  readonly session: ClientHttp2Session;

  constructor(url: string, options: ClientSessionOptions = {}) {
    this.session = connect(url, { ca: CA, ...options });
    this.session.on("error", () => {});
  }

  call(method: string, headers: OutgoingHttpHeaders = {}): RawCall {
    const stream = this.session.request({
      ":method": "POST",
      ":path": `/sidero.discovery.server.Cluster/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    return new RawCall(stream);
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}

/** A call. Nothing of its answer is read before {@link RawCall.read}. */
export class RawCall {
  readonly stream: ClientHttp2Stream;
  headers: IncomingHttpHeaders = {};
  trailers: IncomingHttpHeaders = {};
  readonly #chunks: Buffer[] = [];
  readonly #closed: Promise<unknown>;

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    stream.on("error", () => {});
    stream.on("response", (headers) => {
      this.headers = headers;
    });
    stream.on("trailers", (trailers) => {
      this.trailers = trailers;
    });
    this.#closed = once(stream, "close");
  }

  /** gRPC's status, in trailers or, where there is nothing else, in headers. */
  get status(): string | undefined {
    return (this.trailers["grpc-status"] ?? this.headers["grpc-status"]) as string | undefined;
  }

  get data(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** What has come whole so far, as answers of a watch. */
  get messages(): readonly WatchResponse[] {
    const { data } = this;
    const messages: WatchResponse[] = [];
    for (let at = 0; at + 5 <= data.length; ) {
      const end = at + 5 + data.readUInt32BE(at + 1);
      if (end > data.length) break;
      messages.push(fromBinary(WatchResponseSchema, data.subarray(at + 5, end)));
      at = end;
    }
    return messages;
  }

  /** Sends one piece, and waits until it is under way. */
  async send(piece: Uint8Array): Promise<this> {
    await new Promise<void>((resolve) => this.stream.write(piece, () => resolve()));
    return this;
  }

  end(piece?: Uint8Array): this {
    if (piece === undefined) this.stream.end();
    else this.stream.end(piece);
    return this;
  }

  read(): this {
    this.stream.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    return this;
  }

  /** Reads to the end. */
  async finished(): Promise<this> {
    if (this.stream.listenerCount("data") === 0) this.read();
    await this.#closed;
    return this;
  }
}
