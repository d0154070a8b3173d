/**
 * All open connections of a server, on all of its ports: how many, whose, and whether they are
 * still of use.
 * @module
 */
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { contains, type Prefix } from "../../net/prefix.ts";
import type { MemoryBudget } from "../../registry/memory-budget.ts";
import type { ByteRate } from "../../server/limits/byte-rate.ts";
import { clientAddress, registryClient } from "../../server/limits/client-address.ts";
import { CONNECTION_BYTES, fittingCountsOf, TLS_BYTES } from "../../server/limits/memory-costs.ts";
import { NetworkShares } from "../../server/limits/network-shares.ts";
import type { RefusalDetails, ServerHooks } from "../../server/rpc/call-report.ts";
import type { RefusalReason } from "../../server/rpc/refusal-reason.ts";
import { ignore } from "../ignore.ts";
import type { ResolvedConnectionLimits } from "./connection-limits.ts";
import { type Connection, OpenConnection } from "./open-connection.ts";
import { readUnacknowledgedBytes } from "./unacknowledged-bytes.ts";
import { UploadLimit } from "./upload-limit.ts";

export type { Connection } from "./open-connection.ts";
export type { Exchange } from "./write-progress.ts";

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

/** Options of one port. */
export interface PortOptions {
  /** Whether its connections speak TLS, which takes memory. @default false */
  readonly isTls?: boolean;
  /** How many bytes one client may send to it. @default false, which is no limit */
  readonly uploadRate?: ByteRate | false | undefined;
}

/** Where a socket holds its connection: the sockets of sessions and requests look through. */
const CONNECTION: unique symbol = Symbol("connection");

interface HeldSocket {
  [CONNECTION]?: OpenConnection | undefined;
  /** The socket below a `TLSSocket`. */
  readonly _parent?: HeldSocket | null | undefined;
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
   */
  openPort(
    maxConnections: number,
    { isTls = false, uploadRate = false }: PortOptions = {},
  ): ConnectionPort {
    const memory = this.#memory;
    const bytes = CONNECTION_BYTES + (isTls ? TLS_BYTES : 0);
    const max = Math.min(maxConnections, fittingCountsOf(memory).connections);
    const open = new Set<OpenConnection>();
    const { sharePercent } = this.#limits;
    const shares = new NetworkShares({ max, sharePercent });
    const uploadLimit = uploadRate === false ? undefined : this.#limitUploads(uploadRate);
    return {
      accept: (socket) => {
        const ip = peerIp(socket);
        const isProxy = ip !== undefined && this.#isTrusted(ip);
        const client = isProxy ? undefined : registryClient(ip);
        const uploads = isProxy ? undefined : uploadLimit;
        const onFlooded = (flooded: OpenConnection) => uploads?.flooded(flooded);
        const peer = { ip, client: client?.client, onFlooded };
        const connection = new OpenConnection(socket, peer, this.#now);
        const isFull = open.size >= max || memory?.isFull(bytes) === true;
        if (isFull || !shares.allows(client)) {
          connection.end();
          this.#tell(isFull ? "connection_limit" : "connection_share", connection);
          return undefined;
        }
        if (uploads?.isOver(connection) === true) {
          connection.end();
          this.#tell("upload_limit", connection);
          return undefined;
        }
        this.#startLooking();
        (socket as HeldSocket)[CONNECTION] = connection;
        uploads?.add(connection);
        shares.add(client);
        memory?.add("connections", bytes);
        open.add(connection);
        this.#open.add(connection);
        socket.once("close", () => {
          uploads?.delete(connection);
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

  /** Notes that a connection speaks TLS. */
  followTls(socket: TLSSocket): void {
    openConnectionOf(socket)?.useTls(socket);
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
    this.#tell("unsent_limit", worst);
    worst.destroy();
  }

  /** Closes all connections, and stops looking. */
  close(): void {
    clearInterval(this.#timer);
    this.#round = undefined;
    for (const connection of this.#open) connection.end();
  }

  #limitUploads(rate: ByteRate): UploadLimit<OpenConnection> {
    return new UploadLimit(rate, (connection) => {
      this.#tell("upload_limit", connection);
      connection.destroy();
    });
  }

  #isTrusted(ip: Uint8Array): boolean {
    return this.#trustedProxies.some((prefix) => contains(prefix, ip));
  }

  #tell(reason: RefusalReason, { address }: Connection): void {
    this.#onRefused(reason, { clientAddress: address });
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
    const reason = connection.look(this.#now, this.#limits, (why) => this.#tell(why, connection));
    if (reason !== undefined) {
      this.#tell(reason, connection);
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

const NO_HEADERS: Pick<Headers, "get"> = { get: () => null };

/** @returns 4 or 16 bytes. */
function peerIp(socket: Socket): Uint8Array | undefined {
  return clientAddress(NO_HEADERS, socket.remoteAddress, []);
}
