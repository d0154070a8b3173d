/**
 * Files that are read again when they change: certificates, lists.
 *
 * By looking, not by the system's notifications: those miss what Kubernetes does (a mounted secret
 * is a chain of links, and only a folder's link is exchanged), network file systems, and some
 * runtimes. A look is one `stat` for each file.
 * @module
 */
import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { type ScheduleWake, scheduleTimeout } from "../../async/timers.ts";
import { fileReason } from "./file-failure.ts";
import { readInputBytes } from "./input-bytes.ts";

/** What a look at one file found. */
export type FileReading =
  | { readonly bytes: Uint8Array }
  /** Why there are none: `no such file or directory`. */
  | { readonly problem: string };

export interface WatchFilesOptions {
  /** How often to look, in ms. @default 2000 */
  readonly intervalMs?: number | undefined;
  /** @default `setTimeout`, which keeps no process alive */
  readonly schedule?: ScheduleWake | undefined;
}

/** Looks until it is closed. */
export interface FileWatch {
  /** Looks now, and resolves when a change that it finds has been told. */
  look(): Promise<void>;
  close(): void;
}

const DEFAULT_INTERVAL_MS = 2000;

/**
 * A change is told when two looks this far apart agree: files that are written one after the other,
 * or not yet to their end, are not taken for what the operator meant.
 */
const SETTLE_MS = 250;

/** Reads files whole, each of up to 16 MiB. Never rejects: what cannot be read says why. */
export function readFiles(paths: readonly string[]): Promise<readonly FileReading[]> {
  return Promise.all(paths.map(readOne));
}

/**
 * Tells of each change of the content of any of `paths`: all files together, once, however they
 * came to be replaced.
 *
 * @param last - What the caller has read, with which the first look is compared.
 * @param onChange - Must not throw. Not called after `close`.
 */
export function watchFiles(
  paths: readonly string[],
  last: readonly FileReading[],
  onChange: (readings: readonly FileReading[]) => void,
  options: WatchFilesOptions = {},
): FileWatch {
  const { intervalMs = DEFAULT_INTERVAL_MS, schedule = scheduleTimeout } = options;
  let told = digest(last);
  /** Of a change that was seen once. */
  let seen: string | undefined;
  /** How the files looked from outside when they were last read, and nothing was left to tell. */
  let outside: string | undefined;
  let closed = false;
  let timer: { cancel(): void } | undefined;

  /** @returns Whether a change was seen that has to settle. */
  async function look(): Promise<boolean> {
    // Before the content: a change in between shows at the next look.
    const before = await outsides(paths);
    if (before === outside) return false;
    const readings = await readFiles(paths);
    if (closed) return false;
    const found = digest(readings);
    if (found === told) {
      seen = undefined;
      outside = before;
      return false;
    }
    if (found !== seen) {
      seen = found;
      return true;
    }
    told = found;
    seen = undefined;
    outside = before;
    onChange(readings);
    return false;
  }

  // One look at a time, so that they compare what they think they compare.
  let looking: Promise<unknown> = Promise.resolve();
  function next(): Promise<boolean> {
    const result = looking.then(() => !closed && look());
    looking = result;
    return result;
  }

  function wait(delayMs: number): void {
    timer = schedule(() => {
      void next().then((unsettled) => {
        if (!closed) wait(unsettled ? Math.min(SETTLE_MS, intervalMs) : intervalMs);
      });
    }, delayMs);
  }
  wait(intervalMs);

  return {
    async look() {
      while (await next());
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

async function readOne(path: string): Promise<FileReading> {
  try {
    return { bytes: await readInputBytes(path, { onlyFiles: true }) };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

function problemOf(error: unknown): string {
  return fileReason(error) ?? (error instanceof Error ? error.message : "cannot be read");
}

/** Differs after every replacement and nearly every writing; links are followed to their ends. */
async function outsides(paths: readonly string[]): Promise<string> {
  const stats = await Promise.all(
    paths.map((path) => stat(path, { bigint: true }).then(outsideOf, problemOf)),
  );
  return stats.join("\n");
}

function outsideOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}

function digest(readings: readonly FileReading[]): string {
  const hashes = readings.map((reading) =>
    "bytes" in reading
      ? createHash("sha256").update(reading.bytes).digest("base64")
      : reading.problem,
  );
  return hashes.join("\n");
}
