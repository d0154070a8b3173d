/**
 * One open connection: what it has done, and whether it is still of use.
 * @module
 */
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { formatAddress } from "../../net/address.ts";
import type { RefusalReason } from "../../server/rpc/refusal-reason.ts";
import type { ResolvedConnectionLimits } from "./connection-limits.ts";
import { SessionUse } from "./session-use.ts";
import type { UnacknowledgedBytes } from "./unacknowledged-bytes.ts";
import type { UploadingConnection } from "./upload-limit.ts";
import { type Exchange, type SocketWrites, WriteProgress } from "./write-progress.ts";

/** An open connection, whatever it speaks. */
export interface Connection {
  /**
   * Network key of the peer: its IPv4 address, or IPv6 network of 64 bits. `undefined` for trusted
   * proxies and unknown peers.
   */
  readonly client: string | undefined;
  /** IP of the peer, for logs. */
  readonly address: string | undefined;
  /** Bytes of all its exchanges that are not taken. Kept by those who write. */
  unsentBytes: number;
  /** Streams through Connect's handler at the moment. Kept by whoever opens them. */
  connectStreams: number;
  /** A request has begun. */
  add(exchange: Exchange): void;
  /** It has ended, well or not. Repeated calls do nothing. */
  delete(exchange: Exchange): void;
  /**
   * Called when it is closed for what its client sends: the client gets fewer new ones. Repeated
   * calls do nothing.
   */
  flooded(): void;
  /** Closes the connection with a reset, whatever waits on it. */
  destroy(): void;
}

/** What `node:net` has below a socket. Other runtimes may lack all of it. */
interface WrappedSocket {
  readonly _handle?: {
    readonly bytesWritten?: number;
    /** Bytes that the system has not taken. */
    readonly writeQueueSize?: number;
  } | null;
}

/** Who is at the other end. */
export interface Peer {
  /** 4 or 16 bytes. */
  readonly ip: Uint8Array | undefined;
  /** {@link Connection.client} */
  readonly client: string | undefined;
  readonly onFlooded: (connection: OpenConnection) => void;
}

type OpenConnectionLimits = Omit<ResolvedConnectionLimits, "maxConnections">;

/** The same, as its table sees it. */
export class OpenConnection implements Connection, UploadingConnection {
  readonly ip: Uint8Array | undefined;
  readonly client: string | undefined;
  unsentBytes = 0;
  connectStreams = 0;
  readonly address: string | undefined;
  readonly #socket: Socket;
  readonly #onFlooded: Peer["onFlooded"];
  /** The socket of TLS above it, if it speaks TLS. */
  #secure: TLSSocket | undefined;
  #isFlooded = false;
  readonly #progress: WriteProgress;
  #sessionUse: SessionUse | undefined;
  #unacknowledgedBytes: number | undefined;

  constructor(socket: Socket, peer: Peer, now: number) {
    this.#socket = socket;
    this.ip = peer.ip;
    this.client = peer.client;
    this.#onFlooded = peer.onFlooded;
    this.address = peer.ip && formatAddress(peer.ip);
    this.#progress = new WriteProgress(now);
  }

  get readBytes(): number {
    return this.#socket.bytesRead;
  }

  get isDestroyed(): boolean {
    return this.#socket.destroyed;
  }

  add(exchange: Exchange): void {
    this.#progress.add(exchange);
  }

  delete(exchange: Exchange): void {
    this.#progress.delete(exchange);
  }

  flooded(): void {
    if (this.#isFlooded) return;
    this.#isFlooded = true;
    this.#onFlooded(this);
  }

  destroy(): void {
    if (!this.#isShuttingDown()) this.#reset();
    else setImmediate(() => (this.#isShuttingDown() ? this.end() : this.#reset()));
  }

  /** Closes the connection; what the system has taken already still reaches the peer. */
  end(): void {
    this.#socket.destroy();
  }

  /** Notes the socket of TLS above it. */
  useTls(socket: TLSSocket): void {
    this.#secure = socket;
  }

  useSession(session: ServerHttp2Session, now: number): void {
    this.#sessionUse = new SessionUse(session, now);
  }

  stalledMs(now: number): number {
    return this.#progress.socketStalledMs(now);
  }

  acknowledged(unacknowledged: UnacknowledgedBytes, now: number): void {
    const bytes = unacknowledged(this.#socket);
    if (bytes === undefined) return;
    const last = this.#unacknowledgedBytes;
    this.#unacknowledgedBytes = bytes;
    if (last !== undefined && bytes < last) this.#progress.socketMoved(now);
  }

  /** @returns Why the connection has to be closed. */
  look(
    now: number,
    limits: OpenConnectionLimits,
    onRefused: (reason: RefusalReason) => void,
  ): RefusalReason | undefined {
    const writes = writesOf(this.#socket, this.#sessionUse?.window);
    const { resets, isStalled } = this.#progress.look(now, writes, limits.writeTimeoutMs);
    for (let i = 1; i < resets; i++) onRefused("write_timeout");
    if (isStalled) return "write_timeout";
    if (resets > 0) onRefused("write_timeout");
    return this.#sessionUse?.look(now, limits, {
      readBytes: this.readBytes,
      writes,
      onRefused,
    });
  }

  #reset(): void {
    // What the system holds for a peer that does not read would stay for minutes after an end.
    if (typeof this.#socket.resetAndDestroy === "function") this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /**
   * Whether the end of what is written is on its way to the system. That takes until the next turn
   * of the event loop. A reset would fail until then (`EINVAL`), and Node would forget the
   * descriptor without closing it or telling of `close`.
   */
  #isShuttingDown(): boolean {
    return [this.#socket, this.#secure].some(
      (socket) => socket?.writableEnded && !socket.writableFinished && socket.writableLength === 0,
    );
  }
}

function writesOf(socket: Socket, window: SocketWrites["window"]): SocketWrites {
  const handle = (socket as WrappedSocket)._handle;
  const queued = handle?.writeQueueSize ?? socket.writableLength;
  return {
    taken: (handle?.bytesWritten ?? socket.bytesWritten) - queued,
    isWaiting: queued > 0 || socket.writableLength > 0,
    window,
  };
}
