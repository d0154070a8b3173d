/**
 * Small text files that a user names, with errors that say which file and why, and nothing of what is in it.
 * @module
 */
import { open } from "node:fs/promises";
import { fileReason } from "../node/file-failure.ts";
import { createPrivateFile } from "../node/kept-file.ts";
import { UsageError } from "./exit.ts";
import { printable } from "./output/printable.ts";
import { redactSecrets } from "./secret-arguments.ts";

/** Keys, certificates and identities are far below this. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads a file as UTF-8.
 *
 * @throws {UsageError} `PATH: why` when it cannot be read or is larger than 1 MiB.
 */
export async function readInputFile(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const chunks: Buffer[] = [];
    // By chunks up to the limit: the path may be a pipe or a device, whose size says nothing.
    for await (const chunk of file.createReadStream({ end: MAX_FILE_BYTES, autoClose: false })) {
      chunks.push(chunk as Buffer);
    }
    const bytes = Buffer.concat(chunks);
    if (bytes.length <= MAX_FILE_BYTES) return bytes.toString("utf8");
  } catch (error) {
    throw fileError(path, error);
  }
  throw new UsageError(`${shownPath(path)}: is larger than ${MAX_FILE_BYTES} bytes`);
}

/**
 * Writes a new file that only its owner may read.
 *
 * @throws {UsageError} `PATH: why`, also when it exists already: a secret that is gone cannot be had back.
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
