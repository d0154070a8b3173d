/**
 * Small text files that a user names, with errors that say which file and why, and nothing of what
 * is in it.
 * @module
 */
import type { SignalOptions } from "../async/waits.ts";
import { printable } from "../net/quote.ts";
import { FileProblem, fileReason } from "../node/files/file-failure.ts";
import { collectInput, readInputChunks } from "../node/files/input-bytes.ts";
import { createPrivateFile } from "../node/files/kept-file.ts";
import { CommandFailure, UsageError } from "./exit.ts";
import { redactSecrets } from "./text.ts";

/** Windows PowerShell's `>` begins every file with the first. */
const UTF16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

/**
 * Reads a file as UTF-8.
 *
 * @param options - `signal` ends the wait for a file that is a FIFO.
 * @throws {UsageError} `PATH: why` when it cannot be read or is larger than 16 MiB.
 */
export async function readInputFile(path: string, { signal }: SignalOptions): Promise<string> {
  try {
    return await readInput(readInputChunks(path, { signal }), path);
  } catch (cause) {
    if (signal?.aborted) throw stoppedReading(shownPath(path), cause);
    throw cause instanceof UsageError ? cause : fileError(path, cause);
  }
}

/** The error of a user who did not want to wait for the end of an input. */
export function stoppedReading(name: string, cause: unknown): CommandFailure {
  return new CommandFailure(`${name}: stopped before its end`, { cause });
}

/**
 * Reads a stream as UTF-8, no further than a file may be long.
 *
 * @param name - For errors: `stdin`.
 * @throws {UsageError} when it is larger than 16 MiB. @throws What the stream does.
 */
export async function readInput(stream: AsyncIterable<Uint8Array>, name: string): Promise<string> {
  const text = await collectInput(stream).catch((error: unknown) => {
    throw error instanceof FileProblem ? fileError(name, error) : error;
  });
  if (UTF16_MARKS.some((mark) => mark.equals(text.subarray(0, mark.length)))) {
    throw new UsageError(`${shownPath(name)}: is UTF-16; save it as UTF-8`);
  }
  return text.toString("utf8");
}

/**
 * Writes a new file that only its owner may read.
 *
 * @throws {UsageError} `PATH: why`, also when it exists already: a secret that is gone cannot be
 *   had back.
 */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  try {
    await createPrivateFile(path, text);
  } catch (error) {
    throw fileError(path, error);
  }
}

/** A path for an error. It may be a secret that stands where its file should. */
export function shownPath(path: string): string {
  return printable(redactSecrets(path));
}

function fileError(path: string, error: unknown): UsageError {
  const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
  return new UsageError(`${shownPath(path)}: ${fileReason(error) ?? code}`, { cause: error });
}
