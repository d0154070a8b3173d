/**
 * Small text files that a user names, with errors that say which file and why, and nothing of what
 * is in it.
 * @module
 */
import { open } from "node:fs/promises";
import { printable } from "../net/quote.ts";
import { fileReason } from "../node/files/file-failure.ts";
import { createPrivateFile } from "../node/files/kept-file.ts";
import { UsageError } from "./exit.ts";
import { redactSecrets } from "./text.ts";

/** Keys, certificates and identities are far below this. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Windows PowerShell's `>` begins every file with the first. */
const UTF16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

/**
 * Reads a file as UTF-8.
 *
 * @throws {UsageError} `PATH: why` when it cannot be read or is larger than 1 MiB.
 */
export async function readInputFile(path: string): Promise<string> {
  try {
    await using file = await open(path);
    return await readInput(file.createReadStream({ autoClose: false }), path);
  } catch (error) {
    throw error instanceof UsageError ? error : fileError(path, error);
  }
}

/**
 * Reads a stream as UTF-8, no further than a file may be long.
 *
 * @param name - For errors: `stdin`.
 * @throws {UsageError} when it is larger than 1 MiB. @throws What the stream does.
 */
export async function readInput(stream: AsyncIterable<Uint8Array>, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // By chunks up to the limit: a pipe or a device has no size that says anything.
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_FILE_BYTES) {
      throw new UsageError(`${shownPath(name)}: is larger than ${MAX_FILE_BYTES} bytes`);
    }
  }
  const text = Buffer.concat(chunks);
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
