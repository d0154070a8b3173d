/**
 * Writes the answer to one request of `node:http` or `node:http2`.
 * @module
 */
import type { ServerResponse } from "node:http";
import { constants, type Http2ServerResponse } from "node:http2";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { PlainPage } from "../../server/pages/plain-page.ts";
import { WholeBytes } from "../../server/rpc/byte-source.ts";
import type { AnswerBody } from "../../server/rpc/prepared-answer.ts";
import { type Connection, connectionOf, type Exchange } from "./connections.ts";
import { initialWindowBytes } from "./initial-window.ts";
import type { Output } from "./output.ts";
import type { PieceWriter } from "./piece-writer.ts";

/** An answer of either HTTP version. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** One answer: written when it is there, and known to its connection until it has gone. */
export class ResponseExchange implements Exchange {
  readonly connection: Connection | undefined;
  readonly #response: NodeResponse;
  readonly #output: Output;
  #writer: PieceWriter | undefined;
  #onClose: (() => void) | undefined;
  #hasEnded = false;

  /** @param socket - Of the connection; absent where it has closed already. */
  constructor(response: NodeResponse, socket: object | undefined, output: Output) {
    this.#response = response;
    this.#output = output;
    this.connection = socket && connectionOf(socket);
    this.connection?.add(this);
    onceClosed(response, () => this.#close());
  }

  get unsentBytes(): number {
    const written = this.#writer?.unsentBytes ?? 0;
    if (written > 0) return written;
    const response = this.#response;
    if (!response.headersSent) return 0;
    const waiting =
      "stream" in response ? (response.stream?.writableLength ?? 0) : response.writableLength;
    // An end without bytes waits for the window like bytes: its trailers come after it.
    return waiting === 0 && this.#hasEnded ? 1 : waiting;
  }

  get takenBytes(): number {
    return this.#writer?.takenBytes ?? 0;
  }

  reset(): void {
    const response = this.#response;
    if ("stream" in response) response.stream?.close(constants.NGHTTP2_CANCEL);
    else response.destroy();
  }

  /**
   * Writes an answer.
   *
   * @param clientIp - Whose bytes they are.
   * @throws If the body fails, or the caller leaves before its end.
   */
  async write(answer: UniversalServerResponse, clientIp: Uint8Array | undefined): Promise<void> {
    const { body } = answer;
    const response = this.#response;
    if (body === undefined || response.req.method === "HEAD") {
      this.#writeHead(answer);
    } else {
      await this.#writeBody(answer, body as AnswerBody | AsyncIterable<Uint8Array>, clientIp);
    }
    if (answer.trailer !== undefined) response.addTrailers(nodeHeaders(answer.trailer));
    response.end();
    this.#hasEnded = true;
  }

  /** Writes a small answer at once. */
  writePage({ status, headers, text }: PlainPage): void {
    // The declared types are those of two versions.
    const response = this.#response as ServerResponse;
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    // gRPC takes a status in headers only if nothing follows them, not even an empty body.
    if (text === "") response.end();
    else response.end(text);
  }

  async #writeBody(
    answer: UniversalServerResponse,
    body: AnswerBody | AsyncIterable<Uint8Array>,
    clientIp: Uint8Array | undefined,
  ): Promise<void> {
    const response = this.#response;
    const chunks = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await chunks.next();
        if (this.#isClosed()) throw new Error("the caller has left");
        // After the first chunk: until then a handler may set headers.
        if (!response.headersSent) this.#writeHead(answer);
        if (step.done === true) return;
        if (step.value.length === 0) continue;
        this.#writer ??= this.#output.writer(
          response as never,
          this.connection,
          clientIp,
          initialWindowBytes(response),
          () => this.reset(),
        );
        const isPaced = !("isBulk" in body) || body.isBulk;
        await this.#writePiece(this.#writer, step.value, isPaced);
      }
    } finally {
      chunks.return?.().catch(() => {});
    }
  }

  #writePiece(writer: PieceWriter, bytes: Uint8Array, isPaced: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onClose = () => reject(new Error("the caller has left"));
      writer.write(new WholeBytes(bytes), isPaced, () => {
        // Most answers have gone when they close, and an error is dear to make.
        this.#onClose = undefined;
        resolve();
      });
    });
  }

  #writeHead({ status, header }: UniversalServerResponse): void {
    // The declared types are those of two versions.
    (this.#response as ServerResponse).writeHead(status, header && nodeHeaders(header));
  }

  #isClosed(): boolean {
    const response = this.#response;
    return response.destroyed || ("stream" in response && response.stream?.destroyed !== false);
  }

  #close(): void {
    this.connection?.delete(this);
    this.#writer?.close();
    this.#onClose?.();
  }
}

/**
 * Calls back when an answer has gone, or cannot go any more. The `close` of `node:http2`'s response
 * does not tell of a HEAD request whose caller has left.
 */
export function onceClosed(response: NodeResponse, callback: () => void): void {
  const closing = "stream" in response ? response.stream : response;
  closing.once("close", callback);
}

/** Names in lower case; values of one name are in one text, as `Headers` joins them. */
function nodeHeaders(headers: HeadersInit): Record<string, string> {
  return Object.fromEntries(headers instanceof Headers ? headers : new Headers(headers));
}
