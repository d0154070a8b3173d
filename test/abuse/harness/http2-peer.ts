/**
 * An HTTP/2 client that writes raw frames: it decides about streams and windows itself.
 * @see RFC 9113
 * @module
 */
import {
  FLAG,
  frame,
  grpcMessage,
  headerBlock,
  PREFACE,
  settings,
  TYPE,
  uint32,
} from "../../harness/net/http2-frames.ts";
import { connectedSocket, RawPeer, type RawPeerOptions } from "./raw-peer.ts";

/** SETTINGS_INITIAL_WINDOW_SIZE */
const INITIAL_WINDOW = 4;
const DEFAULT_WINDOW = 65_535;
const FRAME_HEAD_BYTES = 9;

/** The largest window that HTTP/2 allows. */
export const LARGEST_WINDOW: number = 2 ** 31 - 1;

export interface Http2PeerOptions extends RawPeerOptions {
  /** Initial window of each stream. @default LARGEST_WINDOW */
  readonly streamWindow?: number;
  /** Window of the connection, 65,535 at least. @default LARGEST_WINDOW */
  readonly connectionWindow?: number;
  /** @default true */
  readonly answersPings?: boolean;
}

/** What the service has sent on one stream. */
export interface SeenStream {
  isAnswered: boolean;
  dataBytes: number;
  /** END_STREAM was received. */
  isEnded: boolean;
  /** Error code of RST_STREAM, if the service reset it. */
  resetCode: number | undefined;
}

export interface RequestOptions {
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  /** Whether the request ends. @default true */
  readonly ends?: boolean;
}

export class Http2Peer extends RawPeer {
  readonly streams: Map<number, SeenStream> = new Map();
  readonly #answersPings: boolean;
  #unread: Buffer = Buffer.alloc(0);
  #nextStream = 1;
  #goawayCode: number | undefined;
  /** Bytes of DATA since the window of the connection was last raised. */
  #takenBytes = 0;
  readonly #raisesWindow: boolean;

  private constructor(
    socket: Awaited<ReturnType<typeof connectedSocket>>,
    options: Http2PeerOptions,
  ) {
    super(socket, options.reads ?? true);
    const { streamWindow = LARGEST_WINDOW, connectionWindow = LARGEST_WINDOW } = options;
    this.#answersPings = options.answersPings ?? true;
    this.#raisesWindow = connectionWindow > DEFAULT_WINDOW;
    this.send(Buffer.concat([PREFACE, settings([INITIAL_WINDOW, streamWindow])]));
    if (this.#raisesWindow) this.giveWindow(0, connectionWindow - DEFAULT_WINDOW);
  }

  static async connect(options: Http2PeerOptions): Promise<Http2Peer> {
    return new Http2Peer(await connectedSocket(options), options);
  }

  /** The error of the service's GOAWAY. */
  get goawayCode(): number | undefined {
    return this.#goawayCode;
  }

  /** Opens a stream. @returns Its ID. */
  request(method: string, path: string, options: RequestOptions = {}): number {
    const { headers = [], body, ends = true } = options;
    const id = this.nextId();
    const fields = headerBlock([
      [":method", method],
      // RFC 9113 section 8.5: CONNECT has an authority alone.
      ...(method === "CONNECT"
        ? []
        : ([
            [":scheme", "http"],
            [":path", path],
          ] as const)),
      [":authority", "localhost"],
      ...headers,
    ]);
    const endsAtOnce = ends && body === undefined;
    const flags = FLAG.endHeaders | (endsAtOnce ? FLAG.endStream : FLAG.none);
    const head = frame(TYPE.headers, flags, id, fields);
    const bodyFlags = ends ? FLAG.endStream : FLAG.none;
    this.send(
      body === undefined ? head : Buffer.concat([head, frame(TYPE.data, bodyFlags, id, body)]),
    );
    return id;
  }

  /** Starts a gRPC call. Without a message its body stays open. */
  call(
    path: string,
    message?: Uint8Array,
    headers: RequestOptions["headers"] = [],
    ends: boolean = message !== undefined,
  ): number {
    return this.request("POST", path, {
      headers: [["content-type", "application/grpc"], ["te", "trailers"], ...headers],
      ...(message !== undefined && { body: grpcMessage(message) }),
      ends,
    });
  }

  /** Reserves a stream ID, for frames that the caller writes. */
  nextId(): number {
    const id = this.#nextStream;
    this.#nextStream += 2;
    this.streams.set(id, {
      isAnswered: false,
      dataBytes: 0,
      isEnded: false,
      resetCode: undefined,
    });
    return id;
  }

  /** Sends WINDOW_UPDATE for a stream, or for the connection (0). */
  giveWindow(stream: number, bytes: number): void {
    this.send(frame(TYPE.windowUpdate, FLAG.none, stream, uint32(bytes)));
  }

  resetStream(stream: number, code: number): void {
    this.send(frame(TYPE.rstStream, FLAG.none, stream, uint32(code)));
  }

  /** How many streams the service has begun to answer. */
  get answeredCount(): number {
    return this.#count((stream) => stream.isAnswered);
  }

  /** How many streams are neither ended nor reset. */
  get openCount(): number {
    if (this.isClosed) return 0;
    return this.#count((stream) => !stream.isEnded && stream.resetCode === undefined);
  }

  #count(is: (stream: SeenStream) => boolean): number {
    let count = 0;
    for (const stream of this.streams.values()) if (is(stream)) count += 1;
    return count;
  }

  protected override take(chunk: Buffer): void {
    let rest = this.#unread.length > 0 ? Buffer.concat([this.#unread, chunk]) : chunk;
    while (rest.length >= FRAME_HEAD_BYTES) {
      const end = FRAME_HEAD_BYTES + rest.readUIntBE(0, 3);
      if (rest.length < end) break;
      const id = rest.readUInt32BE(5) & LARGEST_WINDOW;
      this.#takeFrame(rest[3] ?? 0, rest[4] ?? 0, id, rest.subarray(FRAME_HEAD_BYTES, end));
      rest = rest.subarray(end);
    }
    this.#unread = rest;
  }

  #takeFrame(type: number, flags: number, id: number, payload: Buffer): void {
    const stream = this.streams.get(id);
    switch (type) {
      case TYPE.settings:
        if ((flags & FLAG.ack) === 0) this.send(frame(TYPE.settings, FLAG.ack, 0));
        return;
      case TYPE.ping:
        if ((flags & FLAG.ack) === 0 && this.#answersPings)
          this.send(frame(TYPE.ping, FLAG.ack, 0, payload));
        return;
      case TYPE.goaway:
        this.#goawayCode = payload.readUInt32BE(4);
        return;
      case TYPE.rstStream:
        if (stream !== undefined) stream.resetCode = payload.readUInt32BE(0);
        return;
      case TYPE.headers:
        if (stream === undefined) return;
        stream.isAnswered = true;
        if ((flags & FLAG.endStream) !== 0) stream.isEnded = true;
        return;
      case TYPE.data:
        this.#raiseWindow(payload.length);
        if (stream === undefined) return;
        stream.dataBytes += payload.length;
        if ((flags & FLAG.endStream) !== 0) stream.isEnded = true;
    }
  }

  /** Restores the window of the connection, if it is a large one. */
  #raiseWindow(bytes: number): void {
    this.#takenBytes += bytes;
    if (!this.#raisesWindow || this.#takenBytes < LARGEST_WINDOW / 4) return;
    this.giveWindow(0, this.#takenBytes);
    this.#takenBytes = 0;
  }
}
