/**
 * Bytes that were handed to connections and that their readers have not taken: whose they are, and
 * how many more there may be.
 * @module
 */
import { type ScheduleWake, scheduleTimeout } from "../../async/timers.ts";
import { checkInteger } from "../../check.ts";
import type { MemoryBudget } from "../../registry/memory-budget.ts";
import type { Connection } from "./connections.ts";

/** Bounds of unsent bytes. All are positive integers. */
export interface UnsentLimits {
  /** Of one connection. @default 4 MiB */
  readonly perConnection?: number | undefined;
  /** Of one client: an IPv4 address, or an IPv6 network of 64 bits. @default 32 MiB */
  readonly perClient?: number | undefined;
  /** Of all. @default 256 MiB, or an eighth of the memory budget if that is less */
  readonly total?: number | undefined;
}

/** {@link UnsentLimits.perConnection} */
export const DEFAULT_UNSENT_PER_CONNECTION: number = 4 * 1024 * 1024;
/** {@link UnsentLimits.perClient} */
export const DEFAULT_UNSENT_PER_CLIENT: number = 32 * 1024 * 1024;
/** {@link UnsentLimits.total}, if no memory budget is smaller. */
export const DEFAULT_UNSENT_TOTAL: number = 256 * 1024 * 1024;

/**
 * Each answer may have this much unsent, whatever others have: small pieces go on, so that answers
 * that nobody reads cannot hold up those that are read.
 */
const LEAST_ROOM_BYTES = 1024;

/** How long a connection that was closed may take to be gone. */
const LOOK_AGAIN_MS = 100;

/** An answer takes no more than this part of what is left, so that others find room. */
const ROOM_PART = 4;

/** What {@link UnsentBytes} works with. */
export interface UnsentBytesOptions {
  /** Told of the bytes, as `unsent`. */
  readonly memory?: MemoryBudget | undefined;
  /** Called when all together have more than they may, and while they do: something has to go. */
  readonly onOver?: (() => void) | undefined;
  readonly schedule?: ScheduleWake | undefined;
}

/** Unsent bytes of one client, shared by its answers. */
interface ClientBytes {
  bytes: number;
  accounts: number;
}

/** Counts unsent bytes by connection, client and in all. */
export class UnsentBytes {
  readonly perConnection: number;
  readonly perClient: number;
  readonly total: number;
  readonly #memory: MemoryBudget | undefined;
  readonly #onOver: (() => void) | undefined;
  readonly #clients = new Map<string, ClientBytes>();
  #bytes = 0;
  readonly #schedule: ScheduleWake;
  #isOverQueued = false;
  #isLookQueued = false;

  /** @throws {RangeError} If a limit is not a positive integer. */
  constructor(limits: UnsentLimits = {}, options: UnsentBytesOptions = {}) {
    const { memory, onOver, schedule = scheduleTimeout } = options;
    const { perConnection = DEFAULT_UNSENT_PER_CONNECTION } = limits;
    const { perClient = DEFAULT_UNSENT_PER_CLIENT } = limits;
    const eighth = memory === undefined ? DEFAULT_UNSENT_TOTAL : Math.ceil(memory.maxBytes / 8);
    const { total = Math.min(eighth, DEFAULT_UNSENT_TOTAL) } = limits;
    this.perConnection = checkInteger("unsent.perConnection", perConnection, 1);
    this.perClient = checkInteger("unsent.perClient", perClient, 1);
    this.total = checkInteger("unsent.total", total, 1);
    this.#memory = memory;
    this.#onOver = onOver;
    this.#schedule = schedule;
  }

  /** Of all connections. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a connection, or a client, has more unsent than it may, or all together have. */
  isOver(connection: Connection | undefined, client: string | undefined): boolean {
    return (
      this.#bytes > this.total ||
      (connection !== undefined && connection.unsentBytes > this.perConnection) ||
      (client !== undefined && (this.#clients.get(client)?.bytes ?? 0) > this.perClient)
    );
  }

  /** Opens the account of one answer, which its owner closes. */
  open(connection: Connection | undefined, client: string | undefined): UnsentAccount {
    if (client === undefined) return new UnsentAccount(this, connection, undefined);
    let entry = this.#clients.get(client);
    if (entry === undefined) {
      entry = { bytes: 0, accounts: 0 };
      this.#clients.set(client, entry);
    }
    entry.accounts++;
    const known = entry;
    return new UnsentAccount(this, connection, known, () => {
      known.accounts--;
      if (known.accounts === 0) this.#clients.delete(client);
    });
  }

  /** @internal */
  add(bytes: number, connection: Connection | undefined, client: ClientBytes | undefined): void {
    this.#bytes += bytes;
    this.#memory?.add("unsent", bytes);
    if (connection !== undefined) connection.unsentBytes += bytes;
    if (client !== undefined) client.bytes += bytes;
    if (bytes > 0 && this.#bytes > this.total) this.#overLater();
  }

  /** Once a turn: what goes is only gone when its connection has closed. */
  #overLater(): void {
    if (this.#isOverQueued || this.#onOver === undefined) return;
    this.#isOverQueued = true;
    setImmediate(() => {
      this.#isOverQueued = false;
      if (this.#bytes <= this.total) return;
      this.#onOver?.();
      this.#lookAgain();
    });
  }

  /** What went may not be enough, and readers who take nothing cause no further write. */
  #lookAgain(): void {
    if (this.#isLookQueued) return;
    this.#isLookQueued = true;
    this.#schedule(() => {
      this.#isLookQueued = false;
      if (this.#bytes > this.total) this.#overLater();
    }, LOOK_AGAIN_MS);
  }
}

/** Unsent bytes of one answer. */
export class UnsentAccount {
  readonly #all: UnsentBytes;
  readonly #connection: Connection | undefined;
  readonly #client: ClientBytes | undefined;
  readonly #onClose: (() => void) | undefined;
  #bytes = 0;
  #isClosed = false;

  /** @internal */
  constructor(
    all: UnsentBytes,
    connection: Connection | undefined,
    client: ClientBytes | undefined,
    onClose?: () => void,
  ) {
    this.#all = all;
    this.#connection = connection;
    this.#client = client;
    this.#onClose = onClose;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many bytes may be written now: at least {@link LEAST_ROOM_BYTES}. */
  room(): number {
    const { perConnection, perClient, total, bytes } = this.#all;
    const left = Math.min(
      total - bytes,
      perConnection - (this.#connection?.unsentBytes ?? 0),
      perClient - (this.#client?.bytes ?? 0),
    );
    return Math.max(LEAST_ROOM_BYTES, Math.floor(left / ROOM_PART));
  }

  /** @param bytes - Handed to the connection; negative: taken by the reader. */
  add(bytes: number): void {
    if (this.#isClosed) return;
    this.#bytes += bytes;
    this.#all.add(bytes, this.#connection, this.#client);
  }

  /** What is unsent is no more. */
  close(): void {
    if (this.#isClosed) return;
    this.add(-this.#bytes);
    this.#isClosed = true;
    this.#onClose?.();
  }
}
