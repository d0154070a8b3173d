/**
 * One stream of `node:http2` that carries a call, from its request to its status.
 * @module
 */

import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { formatAddress } from "../../net/address.ts";
import type { RegistryClient, WatchMessage } from "../../registry/registry.ts";
import { registryClient } from "../../server/limits/client-address.ts";
import { PENDING_CALL_BYTES } from "../../server/limits/memory-costs.ts";
import { WholeBytes } from "../../server/rpc/byte-source.ts";
import { CallRecord } from "../../server/rpc/call-record.ts";
import type { RefusalDetails } from "../../server/rpc/call-report.ts";
import type { Caller } from "../../server/rpc/caller.ts";
import type { RefusalReason } from "../../server/rpc/refusal-reason.ts";
import { CALLER_LEFT, type RpcStatus, rpcStatus } from "../../server/rpc/rpc-status.ts";
import type { Exchange } from "../http/connections.ts";
import type { PieceWriter } from "../http/piece-writer.ts";
import { ignore } from "../ignore.ts";
import { deadlineExceeded, OK_TRAILERS, statusTrailers } from "./answers.ts";
import type { ConnectionPeer } from "./connection-peer.ts";
import { corsHeaders, judgeHeaders } from "./cors-headers.ts";
import type { GrpcService } from "./grpc-service.ts";
import type { GrpcMethod, GrpcOperation, UnaryAnswer } from "./methods.ts";
import { RequestBody } from "./request-body.ts";
import { WatchWriter } from "./watch-writer.ts";

const ANSWER_OPTIONS = { endStream: false, sendDate: false } as const;
const TRAILERS_OPTIONS = { waitForTrailers: true, sendDate: false } as const;
/** Answers up to this size are written at once, and are not counted as unsent. */
const MAX_UNCOUNTED_BYTES = 512;

/** Requests up to this size, which is that of most, are part of what any call is counted with. */
const MAX_UNCOUNTED_BODY_BYTES = 4096;

/** Bodies in several pieces are in a buffer that grows by doubling. */
const BODY_BUFFER_FACTOR = 2;

const HEADERS_ONLY_OPTIONS = { endStream: true, sendDate: false } as const;

/** Where a stream of Node holds its {@link GrpcStream}: all streams share the same listeners. */
const OWNER: unique symbol = Symbol("owner");

interface OwnedStream extends ServerHttp2Stream {
  [OWNER]?: GrpcStream | undefined;
}

/** Answers `stream`, of which only the headers have arrived. */
export function answerGrpcStream(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  method: GrpcMethod,
  peer: ConnectionPeer,
  service: GrpcService,
): void {
  const owner = new GrpcStream(stream, headers, method, peer, service);
  (stream as OwnedStream)[OWNER] = owner;
  owner.start();
}

/**
 * The state of one stream. It is also the {@link Caller} that the procedures see: an object of its
 * own would cost every call an allocation.
 */
class GrpcStream implements Caller, Exchange {
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #method: GrpcMethod;
  readonly #peer: ConnectionPeer;
  readonly #service: GrpcService;
  /** Absent once the request is complete, or refused. */
  #body: RequestBody | undefined;
  #bodyBytes = 0;
  /** What is counted of the call while its request arrives. */
  #pendingBytes = 0;
  #record: CallRecord | undefined;
  #deadlineAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #controller: AbortController | undefined;
  /** Why the caller is no longer there. */
  #goneReason: unknown;
  #isAnswered = false;
  #trailers = OK_TRAILERS;
  #writer: PieceWriter | undefined;
  #watchWriter: WatchWriter | undefined;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    method: GrpcMethod,
    peer: ConnectionPeer,
    service: GrpcService,
  ) {
    this.#stream = stream;
    this.#headers = headers;
    this.#method = method;
    this.#peer = peer;
    this.#service = service;
    this.#body = new RequestBody(method.format, method.kind, service.options.maxRequestBytes);
  }

  get unsentBytes(): number {
    const waiting = this.#writer?.unsentBytes || this.#stream.writableLength;
    // An end without bytes waits for the window like bytes: its trailers come after it.
    return waiting === 0 && this.#isAnswered && !this.#stream.closed ? 1 : waiting;
  }

  get takenBytes(): number {
    return this.#writer?.takenBytes ?? 0;
  }

  /** The reader takes nothing. */
  reset(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#goneReason !== undefined) this.#controller.abort(this.#goneReason);
    }
    return this.#controller.signal;
  }

  clientIp(): Uint8Array | undefined {
    return this.#peer.clientIp(this.#headers);
  }

  client(): RegistryClient | undefined {
    return registryClient(this.clientIp());
  }

  timeoutMs(): number | undefined {
    return this.#deadlineAt === undefined ? undefined : this.#deadlineAt - performance.now();
  }

  /** Waits for the request. */
  start(): void {
    const stream = this.#stream;
    stream.on("error", ignore);
    stream.on("close", onClose);
    stream.on("data", onData);
    stream.on("end", onEnd);
    const { connection } = this.#peer;
    connection?.add(this);
    if (this.#headers.origin !== undefined) this.#judgeOrigin(this.#headers.origin);
    if (this.#service.output.isOver(connection, this.clientIp())) {
      this.#onRefused("unsent_limit");
      const text = "too many answers of this client are not read";
      this.#refuse(new ConnectError(text, Code.ResourceExhausted), false);
      return;
    }
    if (!this.#hold(PENDING_CALL_BYTES)) return;
    const { timeoutHeader, parseTimeout } = this.#method.format;
    const timeout = this.#headers[timeoutHeader];
    try {
      const timeoutMs = typeof timeout === "string" ? parseTimeout(timeout) : undefined;
      if (timeoutMs !== undefined) this.#deadlineAt = performance.now() + timeoutMs;
      this.#body?.expect(this.#headers["content-length"]);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    const { bodyTimeoutMs } = this.#service.options;
    // A deadline may be over already, and Node complains of negative times.
    const waitMs = Math.max(Math.min(bodyTimeoutMs, this.timeoutMs() ?? bodyTimeoutMs), 0);
    this.#timer = setTimeout(onBodyTimeout, waitMs, this);
  }

  receive(piece: Buffer): void {
    const body = this.#body;
    if (body === undefined) return;
    this.#bodyBytes += piece.length;
    const isLarge = this.#bodyBytes > MAX_UNCOUNTED_BODY_BYTES;
    if (isLarge && !this.#hold(BODY_BUFFER_FACTOR * piece.length)) return;
    try {
      body.add(piece);
    } catch (error) {
      this.#refuse(this.#firstError(body, error));
    }
  }

  /** The request is complete. */
  run(): void {
    const body = this.#body;
    if (body === undefined || this.#stream.closed || this.#stream.destroyed) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#release();
    let operation: GrpcOperation;
    try {
      operation = this.#method.read(body.message());
    } catch (error) {
      this.#refuse(this.#firstError(body, error));
      return;
    }
    this.#body = undefined;
    const { name } = this.#method;
    const record = new CallRecord(
      "fast",
      name,
      operation.fields,
      this,
      this.#service.options.hooks,
    );
    this.#record = record;
    try {
      const leftMs = this.timeoutMs();
      if (leftMs !== undefined && leftMs <= 0) throw deadlineExceeded();
      if (operation.watch !== undefined) {
        this.#watch(operation.watch(this));
        return;
      }
      const answer = operation.unary(this);
      if (answer instanceof Promise) {
        this.#awaitDeadline();
        answer.then(
          (frame) => this.answer(frame),
          (error) => this.fail(error),
        );
      } else {
        this.answer(answer);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  bodyTimeout(): void {
    const { bodyTimeoutMs } = this.#service.options;
    const leftMs = this.timeoutMs();
    if (leftMs !== undefined && leftMs <= 0) {
      this.#refuse(deadlineExceeded());
      return;
    }
    this.#onRefused("body_timeout");
    const text = `the request was not received within ${bodyTimeoutMs} ms`;
    this.#refuse(new ConnectError(text, Code.DeadlineExceeded));
  }

  /** The caller is told so at once, whatever still works on its answer. */
  deadlineOver(): void {
    const reason = deadlineExceeded();
    this.fail(reason);
    this.#gone(reason);
  }

  answer(answer: UnaryAnswer): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#record?.sent();
    this.#end();
    if (!this.#isWritable()) return;
    const { isEnveloped, okEnd } = this.#method.format;
    const bytes = answer instanceof Uint8Array ? answer.length : answer.remaining;
    this.#respond(isEnveloped ? undefined : bytes);
    if (answer instanceof Uint8Array && bytes <= MAX_UNCOUNTED_BYTES) {
      this.#stream.end(okEnd === undefined ? answer : Buffer.concat([answer, okEnd]));
      return;
    }
    const source = answer instanceof Uint8Array ? new WholeBytes(answer) : answer;
    if (okEnd === undefined) {
      this.#open().end(source, true);
      return;
    }
    this.#open().write(source, true, () => {
      if (this.#isWritable()) this.#stream.end(okEnd);
    });
  }

  fail(error: unknown): void {
    if (this.#isAnswered || this.#record === undefined) return;
    this.#isAnswered = true;
    const status = this.#record.failed(error);
    this.#end();
    if (!this.#isWritable()) return;
    if (!this.#stream.headersSent) this.#respondFailure(status);
    else if (this.#method.format.hasTrailers) this.#finish(statusTrailers(status), undefined);
    else this.#finish(OK_TRAILERS, this.#method.format.failureEnd(status));
  }

  /** The stream is no more. */
  closed(): void {
    clearTimeout(this.#timer);
    this.#release();
    this.#body = undefined;
    this.#peer.connection?.delete(this);
    this.#writer?.close();
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#record?.abandoned(CALLER_LEFT);
    this.#gone(CALLER_LEFT);
  }

  sendTrailers(): void {
    if (this.#isWritable()) this.#stream.sendTrailers(this.#trailers);
  }

  /** Connect reads a message before what follows it. */
  #firstError(body: RequestBody, error: unknown): unknown {
    const { first } = body;
    if (first === undefined || rpcStatus(error).code === Code.ResourceExhausted) return error;
    try {
      this.#method.read(first);
      return error;
    } catch (earlier) {
      return earlier;
    }
  }

  /** Counts bytes while the request arrives; refuses the call if its client holds too many. */
  #hold(bytes: number): boolean {
    const client = this.#peer.clientKey(this.#headers);
    if (this.#service.pendingCalls.hold(client, bytes)) {
      this.#pendingBytes += bytes;
      return true;
    }
    this.#onRefused("stream_limit");
    this.#refuse(new ConnectError("too many requests at a time", Code.ResourceExhausted), false);
    return false;
  }

  #release(): void {
    if (this.#pendingBytes === 0) return;
    this.#service.pendingCalls.release(this.#peer.clientKey(this.#headers), this.#pendingBytes);
    this.#pendingBytes = 0;
  }

  /** The request is not what it should be, which no procedure hears of. */
  #refuse(error: unknown, isBody = true): void {
    this.#body = undefined;
    this.#isAnswered = true;
    clearTimeout(this.#timer);
    this.#release();
    const status = rpcStatus(error);
    if (isBody && status.code !== Code.DeadlineExceeded) {
      if (!this.#countMalformed(status)) return;
    }
    if (!this.#isWritable()) return;
    this.#respondFailure(status);
    // RFC 9113 section 8.1 asks for a reset without an error where an answer is complete before its
    // request is. A request that was complete is not harmed by it.
    setImmediate(() => this.#stream.close());
  }

  /** @returns Whether to answer: not if the connection is being closed already. */
  #countMalformed(status: RpcStatus): boolean {
    if (this.#peer.isClosing) {
      this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      return false;
    }
    this.#onRefused(status.code === Code.ResourceExhausted ? "body_too_large" : "malformed");
    if (!this.#service.admission.takeMalformed(this.clientIp()) && this.#peer.closeForFlood()) {
      this.#onRefused("probe_limit");
    }
    return true;
  }

  #watch(messages: AsyncIterable<WatchMessage>): void {
    const record = this.#record as CallRecord;
    const { codec } = this.#method.format;
    const writer = new WatchWriter(this.#open(), messages, this.#service.encoder, codec, {
      onMessages: (count) => {
        if (!this.#stream.headersSent) this.#respond();
        for (let i = 0; i < count; i++) record.sent();
      },
      onEnd: (error) => {
        if (error !== undefined) this.fail(error);
        else this.#watchEnded();
      },
    });
    this.#watchWriter = writer;
    this.#awaitDeadline();
    writer.next();
  }

  #watchEnded(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#end();
    if (!this.#isWritable()) return;
    if (!this.#stream.headersSent) this.#respond();
    this.#finish(OK_TRAILERS, this.#method.format.okEnd);
  }

  #onRefused(reason: RefusalReason, details?: RefusalDetails): void {
    const { onRefused } = this.#service.options.hooks;
    if (onRefused === undefined) return;
    const ip = this.clientIp();
    onRefused(reason, { ...details, clientAddress: ip && formatAddress(ip) });
  }

  #judgeOrigin(origin: string): void {
    const { corsOrigins } = this.#service.options;
    const { isRefused } = judgeHeaders(corsOrigins, this.#headers);
    if (isRefused) this.#onRefused("cors_origin", { origin });
  }

  /** The writer of what is not small. */
  #open(): PieceWriter {
    const { connection, initialWindowBytes } = this.#peer;
    const { output } = this.#service;
    const ip = this.clientIp();
    const giveUp = () => this.reset();
    this.#writer = output.writer(this.#stream, connection, ip, initialWindowBytes, giveUp);
    return this.#writer;
  }

  /** @param contentLength - Of an answer that is one message without an envelope. */
  #respond(contentLength?: number): void {
    const { headers, hasTrailers } = this.#method.format;
    if (hasTrailers) {
      this.#stream.on("wantTrailers", onWantTrailers);
      this.#stream.respond(this.#withCors(headers), TRAILERS_OPTIONS);
    } else if (contentLength === undefined) {
      this.#stream.respond(this.#withCors(headers), ANSWER_OPTIONS);
    } else {
      const length = { "content-length": contentLength };
      this.#stream.respond(this.#withCors({ ...headers, ...length }), ANSWER_OPTIONS);
    }
  }

  /** The whole answer of a call that failed before its first message. */
  #respondFailure(status: RpcStatus): void {
    const { headers, body } = this.#method.format.failure(status);
    if (body === undefined) {
      this.#stream.respond(this.#withCors(headers), HEADERS_ONLY_OPTIONS);
    } else {
      this.#stream.respond(this.#withCors(headers), ANSWER_OPTIONS);
      this.#stream.end(body);
    }
  }

  /** Those of the format are for requests of no page. */
  #withCors(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
    if (this.#headers.origin === undefined) return headers;
    return { ...headers, ...corsHeaders(this.#service.options.corsOrigins, this.#headers) };
  }

  /** Ends a stream of messages. */
  #finish(trailers: OutgoingHttpHeaders, end: Buffer | undefined): void {
    this.#trailers = trailers;
    this.#watchWriter?.finish(() => {
      if (this.#isWritable()) this.#stream.end(end);
    });
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#record?.end();
  }

  #gone(reason: unknown): void {
    this.#goneReason = reason;
    this.#controller?.abort(reason);
  }

  #awaitDeadline(): void {
    const leftMs = this.timeoutMs();
    if (leftMs === undefined) return;
    this.#timer = setTimeout(onDeadline, Math.max(leftMs, 0), this);
  }

  #isWritable(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }
}

function onData(this: ServerHttp2Stream, piece: Buffer): void {
  (this as OwnedStream)[OWNER]?.receive(piece);
}

function onEnd(this: ServerHttp2Stream): void {
  (this as OwnedStream)[OWNER]?.run();
}

function onClose(this: OwnedStream): void {
  this[OWNER]?.closed();
  // A stream that has closed stays until the next full collection of garbage (its handle is the
  // reason, seen with Node 24), and what it holds would with it.
  this[OWNER] = undefined;
}

function onWantTrailers(this: ServerHttp2Stream): void {
  (this as OwnedStream)[OWNER]?.sendTrailers();
}

function onBodyTimeout(stream: GrpcStream): void {
  stream.bodyTimeout();
}

function onDeadline(stream: GrpcStream): void {
  stream.deadlineOver();
}
