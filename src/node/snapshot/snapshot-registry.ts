/**
 * A registry that outlives its process: loaded from a snapshot file, saved to it while it runs and
 * at its end.
 * @module
 */

import { MAX_DELAY_MS, type ScheduleWake, scheduleTimeout } from "../../async/timers.ts";
import { checkPositive } from "../../check.ts";
import { DiscoveryError } from "../../errors.ts";
import type { Journal } from "../../registry/journal.ts";
import { MemoryRegistry, type MemoryRegistryOptions } from "../../registry/memory-registry.ts";
import { checkReplaceable } from "../files/atomic-file.ts";
import { FileProblem, fileFailure, fileReason } from "../files/file-failure.ts";
import { createRunningClock } from "../running-clock.ts";
import { createSnapshotFile, type SnapshotFileOptions } from "./snapshot-file.ts";

/** As the reference: 10 minutes. */
export const DEFAULT_SNAPSHOT_INTERVAL_MS = 600_000;

/**
 * 5 minutes. A node that has lost its service waits up to 90 seconds between two attempts (60
 * seconds, and half as much by chance), and publishes as soon as one succeeds: so this is enough
 * for three in a row.
 */
export const DEFAULT_RESTART_GRACE_MS = 300_000;

/** 2 seconds: what comes together is saved together. */
export const DEFAULT_SNAPSHOT_CHANGE_DELAY_MS = 2_000;

/** 10 seconds. */
export const DEFAULT_SNAPSHOT_SHUTDOWN_TIMEOUT_MS = 10_000;

/**
 * Saves after changes take at most this part of the time: a large registry is saved less often,
 * never all the time.
 */
const BUSY_PART = 1 / 50;

/** How soon a save that failed is tried again, at the earliest. */
const RETRY_DELAY_MS = 30_000;

/**
 * Options of {@link openSnapshotRegistry}, besides those of the registry and of the file. The
 * default of `now` is a clock for which no time passes while the process is stopped, see
 * `createRunningClock`.
 */
export interface SnapshotRegistryOptions
  extends SnapshotFileOptions,
    Omit<MemoryRegistryOptions, "journal"> {
  /** How often to save at least, in ms. @default 600_000 */
  readonly intervalMs?: number | undefined;
  /**
   * How soon to save what has changed, in ms: who came, who went, who is reachable elsewhere; not
   * who has only refreshed. A process that is killed loses what is newer. `Infinity` saves on the
   * interval only, as the reference does.
   *
   * @default 2_000
   */
  readonly changeDelayMs?: number | undefined;
  /** How long everything that was restored lives at least, in ms. @default 300_000 */
  readonly restartGraceMs?: number | undefined;
  /** How long the save of `close` may take, in ms. @default 10_000 */
  readonly shutdownTimeoutMs?: number | undefined;
}

/** A registry with its file. */
export interface SnapshotRegistry extends AsyncDisposable {
  /** To be closed by `close` alone. */
  readonly registry: MemoryRegistry;
  /** When the last save that worked had ended, in ms since 1970. */
  readonly lastSavedAt: number | undefined;
  /** Why the last save failed, without the path; `undefined` if it worked. */
  readonly saveFailure: string | undefined;
  /** Saves now. @throws {DiscoveryError} `ERR_SNAPSHOT_NOT_SAVED` */
  save(): Promise<void>;
  /**
   * Ends all watches, saves, and closes the registry. Repeated calls wait for the same end.
   *
   * @throws {DiscoveryError} `ERR_SNAPSHOT_NOT_SAVED`, also where that took too long. The registry
   *   is closed all the same.
   */
  close(): Promise<void>;
}

/**
 * Opens a registry that is kept in a snapshot file, the same as the Go service's.
 *
 * It opens in every case but one: the path is of something else than a file. A missing file is an
 * empty registry, of a damaged one it has what could be read. Failed saves are told to `onSave` and
 * tried again.
 *
 * @throws {RangeError} For a time that is out of range.
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE` for a path of a device, a FIFO, a socket, a
 *   directory, or links in a circle.
 * @example
 * await using kept = await openSnapshotRegistry({ path: "/var/discovery-service/state.binpb" });
 * await using server = await serve({ registry: kept.registry });
 */
export async function openSnapshotRegistry(
  options: SnapshotRegistryOptions,
): Promise<SnapshotRegistry> {
  const {
    intervalMs = DEFAULT_SNAPSHOT_INTERVAL_MS,
    changeDelayMs = DEFAULT_SNAPSHOT_CHANGE_DELAY_MS,
    restartGraceMs = DEFAULT_RESTART_GRACE_MS,
    shutdownTimeoutMs = DEFAULT_SNAPSHOT_SHUTDOWN_TIMEOUT_MS,
    schedule = scheduleTimeout,
    wallClock = Date.now,
  } = options;
  const { now, stop: stopClock } =
    options.now === undefined ? createRunningClock() : { now: options.now, stop() {} };
  checkPositive("intervalMs", intervalMs, MAX_DELAY_MS);
  if (changeDelayMs !== Number.POSITIVE_INFINITY) {
    checkPositive("changeDelayMs", changeDelayMs, MAX_DELAY_MS);
  }
  checkPositive("shutdownTimeoutMs", shutdownTimeoutMs, MAX_DELAY_MS);

  let lastSavedAt: number | undefined;
  let saveFailure: string | undefined;
  const file = createSnapshotFile({
    ...options,
    onSave(report) {
      if (report.status === "success") lastSavedAt = wallClock();
      saveFailure = report.error && (fileReason(report.error.cause) ?? "see the log");
      options.onSave?.(report);
    },
  });
  await checkPath(options.path);
  const saver = new Saver(() => registry.save(), { intervalMs, changeDelayMs, now, schedule });
  const journal: Journal = { ...file, changed: () => saver.changed() };
  const registry = await MemoryRegistry.open({ ...options, now, restartGraceMs, journal });
  saver.start();

  let closed: Promise<void> | undefined;
  async function shutDown(): Promise<void> {
    saver.stop();
    try {
      await within(shutdownTimeoutMs, registry.close(), options.path);
    } finally {
      stopClock();
    }
  }
  function close(): Promise<void> {
    closed ??= shutDown();
    return closed;
  }
  return {
    registry,
    get lastSavedAt() {
      return lastSavedAt;
    },
    get saveFailure() {
      return saveFailure;
    },
    save: () => registry.save(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A file that cannot be read now may be there later. What is no file is a mistake. */
async function checkPath(path: string): Promise<void> {
  try {
    await checkReplaceable(path);
  } catch (cause) {
    if (!(cause instanceof FileProblem || (cause as NodeJS.ErrnoException).code === "ELOOP"))
      return;
    const message = `invalid snapshot path: ${fileFailure(path, cause)}`;
    throw new DiscoveryError("ERR_FILE_UNREADABLE", message, { cause });
  }
}

interface SaverOptions {
  readonly intervalMs: number;
  readonly changeDelayMs: number;
  readonly now: () => number;
  readonly schedule: ScheduleWake;
}

/** Decides when to save. */
class Saver {
  readonly #save: () => Promise<void>;
  readonly #options: SaverOptions;
  #timer: { cancel(): void } | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  /** No change is saved before this instant. */
  #restUntil = 0;
  #hasChanged = false;
  #isRunning = false;

  constructor(save: () => Promise<void>, options: SaverOptions) {
    this.#save = save;
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    this.#hasChanged = false;
    this.#schedule(this.#options.now() + this.#options.intervalMs);
  }

  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
  }

  changed(): void {
    // Called for every change of every affiliate: the first after a save does all the work.
    if (this.#hasChanged || !this.#isRunning) return;
    this.#hasChanged = true;
    const { now, changeDelayMs } = this.#options;
    this.#schedule(Math.max(now() + changeDelayMs, this.#restUntil));
  }

  #schedule(dueAt: number): void {
    if (dueAt >= this.#dueAt) return;
    this.#timer?.cancel();
    this.#dueAt = dueAt;
    const { now, schedule } = this.#options;
    this.#timer = schedule(() => void this.#run(), Math.max(dueAt - now(), 0));
  }

  async #run(): Promise<void> {
    const { now, intervalMs, changeDelayMs } = this.#options;
    const started = now();
    // What changes from here on may be missing in this save.
    this.#hasChanged = false;
    let hasFailed = false;
    try {
      await this.#save();
    } catch {
      // The journal has told of it.
      hasFailed = true;
    }
    const ended = now();
    this.#restUntil = ended + (ended - started) / BUSY_PART;
    if (!this.#isRunning) return;
    if (hasFailed) this.#restUntil = Math.max(this.#restUntil, ended + RETRY_DELAY_MS);
    const isChanged: boolean = this.#hasChanged || hasFailed;
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#schedule(
      Math.min(
        ended + intervalMs,
        isChanged ? Math.max(ended + changeDelayMs, this.#restUntil) : Number.POSITIVE_INFINITY,
      ),
    );
  }
}

/** Waits for the end of a save for so long. */
async function within(limitMs: number, saved: Promise<void>, path: string): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `snapshot not saved: ${path}: not written within ${limitMs} ms`;
    const fail = () => reject(new DiscoveryError("ERR_SNAPSHOT_NOT_SAVED", message));
    timer = setTimeout(fail, limitMs);
  });
  try {
    await Promise.race([saved, late]);
  } finally {
    clearTimeout(timer);
  }
}
