/**
 * The bytes of a file that a user names: never more than a limit, and never a wait that a signal
 * does not end. A FIFO whose other end nobody opens would hold a thread in `open`, and with it the
 * end of the process.
 * @module
 */
import { close, constants, fstat, open, read, type Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { Socket } from "node:net";
import { addAbortSignal, type Readable } from "node:stream";
import { isatty, ReadStream } from "node:tty";
import { promisify } from "node:util";
import type { SignalOptions } from "../../async/waits.ts";
import { FileProblem } from "./file-failure.ts";

/** Largest input file. Configurations, certificates, lists and identities are far below this. */
export const MAX_INPUT_BYTES: number = 16 * 1024 * 1024;

const TOO_LARGE = "is larger than 16 MiB";

/** How much is read at once; other work has its turn in between. */
const CHUNK_BYTES = 256 * 1024;

/** The sockets of Deno and Bun do not read a FIFO, which is read as any file there. */
const HAS_FIFO_SOCKETS = !("deno" in process.versions || "bun" in process.versions);

/** Opens a FIFO at once, whether or not somebody writes to it. Windows has neither. */
const OPEN_FLAGS = constants.O_RDONLY | (HAS_FIFO_SOCKETS ? (constants.O_NONBLOCK ?? 0) : 0);

// Plain descriptors: a stream takes one over, which it cannot with a `FileHandle`.
const openFile = promisify(open);
const statFile = promisify(fstat);
const closeFile = promisify(close);

/**
 * Options of {@link readInputBytes} and {@link readInputChunks}. `signal` ends the reading of what
 * is not a regular file.
 */
export interface ReadInputOptions extends SignalOptions {
  /** Refuses what is not a regular file: what is read again must be there again. @default false */
  readonly onlyFiles?: boolean;
}

/**
 * Reads a file whole.
 *
 * @throws {FileProblem} if it is larger than 16 MiB, or of a kind that is not allowed. What the
 *   file system says. `signal.reason`.
 */
export function readInputBytes(path: string, options: ReadInputOptions = {}): Promise<Buffer> {
  return collectInput(readInputChunks(path, options));
}

/**
 * Puts chunks together.
 *
 * @throws {FileProblem} if they are more than 16 MiB. What the chunks do.
 */
export async function collectInput(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const collected: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MAX_INPUT_BYTES) throw new FileProblem(TOO_LARGE);
    collected.push(chunk);
  }
  return Buffer.concat(collected);
}

/**
 * Reads a file of any size, each chunk in a buffer of its own. A FIFO, such as a shell's `<(…)`,
 * and a terminal are waited for.
 *
 * @throws {FileProblem} if it is of a kind that is not allowed. What the file system says.
 *   `signal.reason`.
 */
export async function* readInputChunks(
  path: string,
  { signal, onlyFiles = false }: ReadInputOptions = {},
): AsyncGenerator<Uint8Array, undefined> {
  // To open a device may already do something.
  if (onlyFiles) checkRegular(await stat(path));
  const file = await openFile(path, OPEN_FLAGS);
  let isTakenOver = false;
  try {
    const stats = await statFile(file);
    if (onlyFiles) checkRegular(stats);
    isTakenOver = HAS_FIFO_SOCKETS && (stats.isFIFO() || isatty(file));
    // A regular file has an end, which comes soon.
    const ending = stats.isFile() ? undefined : signal;
    yield* isTakenOver ? streamedChunks(file, stats, ending) : fileChunks(file, ending);
  } finally {
    if (!isTakenOver) await closeFile(file);
  }
}

async function* fileChunks(
  file: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, undefined> {
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const bytesRead = await readInto(file, chunk);
    signal?.throwIfAborted();
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
  }
}

/** Not by `promisify`, which gives another result in each runtime. */
function readInto(file: number, chunk: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    read(file, chunk, 0, chunk.length, null, (error, bytesRead) => {
      if (error === null) resolve(bytesRead);
      else reject(error);
    });
  });
}

/** What is waited for by events instead of by a thread. Closes the file. */
async function* streamedChunks(
  file: number,
  stats: Stats,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, undefined> {
  const stream: Readable = stats.isFIFO()
    ? new Socket({ fd: file, readable: true, writable: false })
    : new ReadStream(file);
  if (signal !== undefined) addAbortSignal(signal, stream);
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    stream.destroy();
  }
}

/**
 * Checks what somebody else will read.
 *
 * @throws {FileProblem} for anything but a regular file of up to 16 MiB.
 */
export function checkInputStats(stats: Stats): void {
  checkRegular(stats);
  if (stats.size > MAX_INPUT_BYTES) throw new FileProblem(TOO_LARGE);
}

/** @throws {FileProblem} for anything but a regular file. */
export function checkRegular(stats: Stats): void {
  if (stats.isFile()) return;
  throw new FileProblem(`expected a regular file, found ${kindOf(stats)}`);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isFIFO()) return "a FIFO";
  return stats.isSocket() ? "a socket" : "a device";
}
