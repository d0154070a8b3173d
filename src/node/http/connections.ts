/**
 * All open connections of a server, on all of its ports: how many, whose, and whether they are
 * still of use.
 * @module
 */
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { formatAddress } from "../../net/address.ts";
import { contains, type Prefix } from "../../net/prefix.ts";
import type { MemoryBudget } from "../../registry/memory-budget.ts";
import type { RegistryClient } from "../../registry/registry.ts";
import { clientAddress, registryClient } from "../../server/limits/client-address.ts";
import { CONNECTION_BYTES, fittingCountsOf, TLS_BYTES } from "../../server/limits/memory-costs.ts";
import { NetworkShares } from "../../server/limits/network-shares.ts";
import type { RefusalDetails, ServerHooks } from "../../server/rpc/call-report.ts";
import type { RefusalReason } from "../../server/rpc/refusal-reason.ts";
import { ignore } from "../ignore.ts";
import type { ResolvedConnectionLimits } from "./connection-limits.ts";
import { SessionUse } from "./session-use.ts";
import { readUnacknowledgedBytes, type UnacknowledgedBytes } from "./unacknowledged-bytes.ts";
import { type Exchange, type SocketWrites, WriteProgress } from "./write-progress.ts";

export type { Exchange } from "./write-progress.ts";

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
  /** Closes the connection with a reset, whatever waits on it. */
  destroy(): void;
}

/** A port whose connections are in the table. */
export interface ConnectionPort {
  /**
   * Registers a new connection, until it closes.
   *
   * @returns `undefined` if it is over a limit, and was closed.
   */
  accept(socket: Socket): Connection | undefined;
  /** Closes all connections of this port. */
  destroyAll(): void;
}

export interface ConnectionsOptions {
  readonly limits: Omit<ResolvedConnectionLimits, "maxConnections">;
  /** Proxies, which speak for many clients and have no share. */
  readonly trustedProxies: readonly Prefix[];
  /** Told of the connections, as `connections`; fewer are taken than are allowed if it is small. */
  readonly memory?: MemoryBudget | undefined;
  readonly onRefused?: ServerHooks["onRefused"];
}

/** Where a socket holds its connection: the sockets of sessions and requests look through. */
const CONNECTION: unique symbol = Symbol("connection");

interface HeldSocket {
  [CONNECTION]?: OpenConnection | undefined;
  /** The socket below a `TLSSocket`. */
  readonly _parent?: HeldSocket | null | undefined;
}

/** What `node:net` has below a socket. Other runtimes may lack all of it. */
interface WrappedSocket {
  readonly _handle?: {
    readonly bytesWritten?: number;
    /** Bytes that the system has not taken. */
    readonly writeQueueSize?: number;
  } | null;
}

/** How late something may be found, as a part of the shortest time. */
const LOOKS_PER_TIMEOUT = 4;
const MAX_LOOK_INTERVAL_MS = 5000;

/** Connections that are looked at in one turn of the event loop: about a millisecond. */
const LOOKS_PER_TURN = 500;

/**
 * The connection that a socket belongs to: also for a `TLSSocket`, for `session.socket` and for
 * `request.socket`.
 */
export function connectionOf(socket: object): Connection | undefined {
  return openConnectionOf(socket);
}

/** What is known of the peer of a refused connection or request. */
export function peerDetails(socket: object | undefined): RefusalDetails {
  return { clientAddress: socket && openConnectionOf(socket)?.address };
}

function openConnectionOf(socket: object): OpenConnection | undefined {
  const held = socket as HeldSocket;
  return held[CONNECTION] ?? held._parent?.[CONNECTION];
}

/** The table, with one timer for all connections. */
export class Connections {
  readonly #limits: ConnectionsOptions["limits"];
  readonly #trustedProxies: readonly Prefix[];
  readonly #onRefused: NonNullable<ServerHooks["onRefused"]>;
  readonly #memory: MemoryBudget | undefined;
  readonly #open = new Set<OpenConnection>();
  #timer: NodeJS.Timeout | undefined;
  readonly #intervalMs: number;
  /** Time as it passes between looks, see {@link #look}. */
  #now = 0;
  #lookedAt = 0;
  /** What is left of a round of looks. */
  #round: Iterator<OpenConnection> | undefined;
  /** Connections of this round that may have a slow reader. */
  #slow: OpenConnection[] = [];
  /** Whether the system is being asked. */
  #isAsking = false;

  constructor({ limits, trustedProxies, memory, onRefused = ignore }: ConnectionsOptions) {
    this.#limits = limits;
    this.#memory = memory;
    this.#trustedProxies = trustedProxies;
    this.#onRefused = onRefused;
    const { writeTimeoutMs, idleTimeoutMs, firstByteTimeoutMs } = limits;
    const { pingIntervalMs, pingTimeoutMs } = limits;
    const shortest = Math.min(
      ...[writeTimeoutMs, idleTimeoutMs, firstByteTimeoutMs, pingIntervalMs, pingTimeoutMs],
    );
    this.#intervalMs = Math.min(Math.ceil(shortest / LOOKS_PER_TIMEOUT), MAX_LOOK_INTERVAL_MS);
  }

  /** Open connections of all ports. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Makes a port.
   *
   * @param maxConnections - Most connections of this port; clients have shares of them.
   * @param isTls - Whether they speak TLS, which takes memory.
   */
  openPort(maxConnections: number, isTls = false): ConnectionPort {
    const memory = this.#memory;
    const bytes = CONNECTION_BYTES + (isTls ? TLS_BYTES : 0);
    const max = Math.min(maxConnections, fittingCountsOf(memory).connections);
    const open = new Set<OpenConnection>();
    const { sharePercent } = this.#limits;
    const shares = new NetworkShares({ max, sharePercent });
    return {
      accept: (socket) => {
        const address = socket.remoteAddress;
        const client = clientOf(address, this.#trustedProxies);
        const isFull = open.size >= max || memory?.isFull(bytes) === true;
        if (isFull || !shares.allows(client)) {
          socket.destroy();
          const clientAddress = addressOf(address);
          this.#onRefused(isFull ? "connection_limit" : "connection_share", { clientAddress });
          return undefined;
        }
        this.#startLooking();
        const connection = new OpenConnection(socket, client?.client, this.#now);
        (socket as HeldSocket)[CONNECTION] = connection;
        shares.add(client);
        memory?.add("connections", bytes);
        open.add(connection);
        this.#open.add(connection);
        socket.once("close", () => {
          shares.remove(client);
          memory?.add("connections", -bytes);
          open.delete(connection);
          this.#open.delete(connection);
        });
        return connection;
      },
      destroyAll() {
        for (const connection of open) connection.end();
      },
    };
  }

  /** Closes HTTP/2 connections of a server that nobody uses, and those whose peer is dead. */
  followSessions(http2: Http2Server): void {
    http2.on("session", (session: ServerHttp2Session) => {
      openConnectionOf(session.socket)?.useSession(session, this.#now);
    });
  }

  /** Closes the connection with the most unsent bytes, if there is one, as a refusal. */
  closeWorst(): void {
    let worst: OpenConnection | undefined;
    for (const connection of this.#open) {
      if (connection.unsentBytes > (worst?.unsentBytes ?? 0)) worst = connection;
    }
    // Its bytes count until it has closed, so that it may be the worst a second time.
    if (worst === undefined || worst.isDestroyed) return;
    this.#onRefused("unsent_limit", { clientAddress: worst.address });
    worst.destroy();
  }

  /** Closes all connections, and stops looking. */
  close(): void {
    clearInterval(this.#timer);
    this.#round = undefined;
    for (const connection of this.#open) connection.end();
  }

  #startLooking(): void {
    if (this.#timer !== undefined) return;
    this.#lookedAt = performance.now();
    this.#timer = setInterval(() => this.#look(), this.#intervalMs);
    this.#timer.unref();
  }

  /**
   * Time for which the process was stopped or busy counts against nobody: what others have sent
   * meanwhile is not read yet.
   */
  #look(): void {
    if (this.#round !== undefined) return;
    const now = performance.now();
    this.#now += Math.min(now - this.#lookedAt, 2 * this.#intervalMs);
    this.#lookedAt = now;
    this.#round = this.#open.values();
    this.#lookOn();
  }

  #lookOn(): void {
    for (let i = 0; i < LOOKS_PER_TURN; i++) {
      const next = this.#round?.next();
      if (next === undefined || next.done === true) {
        this.#round = undefined;
        this.#ask();
        return;
      }
      this.#lookAt(next.value);
    }
    setImmediate(() => this.#lookOn());
  }

  #lookAt(connection: OpenConnection): void {
    const reason = connection.look(this.#now, this.#limits, (why) =>
      this.#onRefused(why, { clientAddress: connection.address }),
    );
    if (reason !== undefined) {
      this.#onRefused(reason, { clientAddress: connection.address });
      if (reason === "connection_timeout") connection.end();
      else connection.destroy();
    } else if (connection.stalledMs(this.#now) >= this.#limits.writeTimeoutMs / 2) {
      this.#slow.push(connection);
    }
  }

  /** Asks the system about connections that may have a slow reader, before they are closed. */
  #ask(): void {
    const slow = this.#slow;
    this.#slow = [];
    if (slow.length === 0 || this.#isAsking) return;
    this.#isAsking = true;
    void readUnacknowledgedBytes().then((unacknowledged) => {
      this.#isAsking = false;
      for (const connection of slow) connection.acknowledged(unacknowledged, this.#now);
    });
  }
}

class OpenConnection implements Connection {
  readonly client: string | undefined;
  unsentBytes = 0;
  connectStreams = 0;
  /** IP of the peer. */
  readonly address: string | undefined;
  readonly #socket: Socket;
  readonly #progress: WriteProgress;
  #sessionUse: SessionUse | undefined;
  #unacknowledgedBytes: number | undefined;

  constructor(socket: Socket, client: string | undefined, now: number) {
    this.#socket = socket;
    this.client = client;
    this.address = addressOf(socket.remoteAddress);
    this.#progress = new WriteProgress(now);
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

  destroy(): void {
    // What the system holds for a peer that does not read would stay for minutes after an end.
    if (typeof this.#socket.resetAndDestroy === "function") this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** Closes the connection; what the system has taken already still reaches the peer. */
  end(): void {
    this.#socket.destroy();
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
    limits: ConnectionsOptions["limits"],
    onRefused: (reason: RefusalReason) => void,
  ): RefusalReason | undefined {
    const writes = writesOf(this.#socket, this.#sessionUse?.window);
    const { resets, isStalled } = this.#progress.look(now, writes, limits.writeTimeoutMs);
    for (let i = 1; i < resets; i++) onRefused("write_timeout");
    if (isStalled) return "write_timeout";
    if (resets > 0) onRefused("write_timeout");
    return this.#sessionUse?.look(now, limits, {
      readBytes: this.#socket.bytesRead,
      writes,
      onRefused,
    });
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

function clientOf(
  remoteAddress: string | undefined,
  trustedProxies: readonly Prefix[],
): RegistryClient | undefined {
  const peer = clientAddress(NO_HEADERS, remoteAddress, []);
  if (peer === undefined || trustedProxies.some((prefix) => contains(prefix, peer))) {
    return undefined;
  }
  return registryClient(peer);
}

/** As clients are called in logs: unmapped, without a zone. */
function addressOf(remoteAddress: string | undefined): string | undefined {
  const ip = clientAddress(NO_HEADERS, remoteAddress, []);
  return ip && formatAddress(ip);
}

const NO_HEADERS: Pick<Headers, "get"> = { get: () => null };
