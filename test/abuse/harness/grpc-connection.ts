/**
 * A plain gRPC client with a local address of its own. It neither retries nor reconnects, so that a
 * test sees every failure.
 * @module
 */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import type { Target } from "../../harness/net/attack.ts";
import { grpcMessage } from "../../harness/net/http2-frames.ts";
import { clusterPath, clusterRequest } from "./messages.ts";
import { serviceSocket } from "./service-socket.ts";

/** Status codes of gRPC that tests look for. */
export const GRPC_OK = 0;
export const GRPC_RESOURCE_EXHAUSTED = 8;

const CALL_LIMIT_MS = 10_000;
const MESSAGE_HEAD_BYTES = 5;

export interface GrpcAnswer {
  /** `undefined` if the stream or the connection ended without one. */
  readonly status: number | undefined;
  readonly statusText: string;
  readonly messages: readonly Buffer[];
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
}

export class GrpcConnection {
  readonly #session: ClientHttp2Session;

  constructor(service: Target, localAddress: string) {
    const scheme = service.tls === true ? "https" : "http";
    this.#session = connect(`${scheme}://localhost`, {
      createConnection: () => serviceSocket(service, localAddress),
    });
    this.#session.on("error", () => {});
  }

  get isClosed(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  /** Makes one unary call of the discovery service. Never rejects. */
  async call(
    method: string,
    message: Uint8Array,
    { headers = {}, limitMs = CALL_LIMIT_MS }: CallOptions = {},
  ): Promise<GrpcAnswer> {
    if (this.isClosed) return { status: undefined, statusText: "not connected", messages: [] };
    const stream = this.#open(method, headers);
    const watch = new GrpcStream(stream);
    stream.end(grpcMessage(message));
    const timer = setTimeout(
      () => stream.destroy(new Error(`no answer in ${limitMs} ms`)),
      limitMs,
    );
    await watch.ended;
    clearTimeout(timer);
    return watch;
  }

  /** Starts a watch. */
  watch(clusterId: string, headers: Readonly<Record<string, string>> = {}): GrpcStream {
    const stream = this.#open("Watch", headers);
    stream.end(grpcMessage(clusterRequest(clusterId)));
    return new GrpcStream(stream);
  }

  close(): void {
    this.#session.destroy();
  }

  #open(method: string, headers: Readonly<Record<string, string>>): ClientHttp2Stream {
    return this.#session.request({
      ":method": "POST",
      ":path": clusterPath(method),
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
  }
}

/** The answer of a call while it comes in. */
export class GrpcStream implements GrpcAnswer {
  readonly messages: Buffer[] = [];
  /** Resolves when it ends or fails. */
  readonly ended: Promise<void>;
  status: number | undefined;
  statusText = "";
  isEnded = false;
  /** Called for every message. */
  onMessage: (message: Buffer) => void = () => {};
  readonly #stream: ClientHttp2Stream;
  #unread: Buffer = Buffer.alloc(0);

  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream;
    const takeStatus = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers["grpc-status"] === undefined) return;
      this.status = Number(headers["grpc-status"]);
      this.statusText = decodeURIComponent(String(headers["grpc-message"] ?? ""));
    };
    stream.on("response", takeStatus);
    stream.on("trailers", takeStatus);
    stream.on("data", (chunk: Buffer) => this.#take(chunk));
    stream.on("error", (error) => {
      this.statusText ||= error.message;
    });
    this.ended = new Promise((resolve) => {
      stream.once("close", () => {
        this.isEnded = true;
        resolve();
      });
    });
  }

  /** Waits for its first message or its end. */
  async began(): Promise<void> {
    if (this.messages.length > 0 || this.isEnded) return;
    await Promise.race([once(this.#stream, "data").catch(() => {}), this.ended]);
  }

  cancel(): void {
    this.#stream.close();
  }

  #take(chunk: Buffer): void {
    let rest = this.#unread.length > 0 ? Buffer.concat([this.#unread, chunk]) : chunk;
    while (rest.length >= MESSAGE_HEAD_BYTES) {
      const end = MESSAGE_HEAD_BYTES + rest.readUInt32BE(1);
      if (rest.length < end) break;
      const message = rest.subarray(MESSAGE_HEAD_BYTES, end);
      this.messages.push(message);
      this.onMessage(message);
      rest = rest.subarray(end);
    }
    this.#unread = rest;
  }
}

/** One call on a connection of its own. */
export async function callOnce(
  service: Target,
  localAddress: string,
  method: string,
  message: Uint8Array,
  options?: CallOptions,
): Promise<GrpcAnswer> {
  const connection = new GrpcConnection(service, localAddress);
  try {
    return await connection.call(method, message, options);
  } finally {
    connection.close();
  }
}
