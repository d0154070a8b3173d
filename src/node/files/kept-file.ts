/**
 * Small files that say who a node is. They are made once and kept: a new identity is a new node to
 * everyone else. So nothing here replaces a file, however broken it is.
 * @module
 */
import { open, unlink } from "node:fs/promises";
import { isMap, isScalar } from "yaml";
import type { SignalOptions } from "../../async/waits.ts";
import { contentsOf, firstError, YamlText } from "../../config/yaml-text.ts";
import { DiscoveryError } from "../../errors.ts";
import { fileReason } from "./file-failure.ts";
import { readInputBytes } from "./input-bytes.ts";

/** Readable and writable by its owner alone. */
const FILE_MODE = 0o600;

/**
 * Reads such a file.
 *
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE` if there is none, so that one may be created; else
 * `ERR_IDENTITY_FILE_INVALID`, naming the path.
 */
export async function readKeptFile(path: string, options?: SignalOptions): Promise<string> {
  try {
    return (await readInputBytes(path, options)).toString("utf8");
  } catch (error) {
    options?.signal?.throwIfAborted();
    const reason = fileReason(error) ?? "cannot be read";
    if (isSystemError(error, "ENOENT")) {
      throw new DiscoveryError("ERR_FILE_UNREADABLE", `${path}: ${reason}`, { cause: error });
    }
    throw invalidFile(path, reason, error);
  }
}

/**
 * Makes such a file, which its owner alone may read.
 *
 * @throws {DiscoveryError} `ERR_IDENTITY_FILE_INVALID`, naming the path, where there is a file
 *   already, or none can be written.
 */
export async function createKeptFile(path: string, text: string): Promise<void> {
  try {
    await createPrivateFile(path, text);
  } catch (error) {
    throw invalidFile(path, fileReason(error) ?? "cannot be written", error);
  }
}

/**
 * Makes a new file that its owner alone may read, whole or not at all.
 *
 * @throws What the file system says, `EEXIST` where there is one.
 */
export async function createPrivateFile(path: string, text: string): Promise<void> {
  await using file = await open(path, "wx", FILE_MODE);
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    // Ours, and half written: left there it would be an error for ever.
    await unlink(path).catch(() => {});
    throw error;
  }
}

/**
 * Reads texts by key: a flat mapping in YAML.
 *
 * @param expected - What an error says that the file should have been. No error repeats a line,
 *   which may hold a key.
 * @throws {DiscoveryError} `ERR_IDENTITY_FILE_INVALID` for anything else, and for a key that is
 *   there twice.
 */
export function parseEntries(path: string, text: string, expected: string): Map<string, string> {
  if (text.trim() === "") throw invalidFile(path, "empty");
  const unexpected = () => invalidFile(path, `expected ${expected}`);
  const { documents, tooMuch } = new YamlText(text);
  if (tooMuch !== undefined) throw unexpected();
  const entries = new Map<string, string>();
  for (const document of documents) {
    const error = firstError(document);
    const contents = contentsOf(document);
    if (error === undefined && contents === undefined) continue;
    // Of keys that are there twice, the first is named below.
    if (!isMap(contents) || (error && error.code !== "DUPLICATE_KEY")) throw unexpected();
    for (const item of contents.items) {
      const key = textOf(item.key);
      const value = textOf(item.value);
      if (key === undefined || !/^\w+$/.test(key)) throw unexpected();
      // A line end in a value is not seen by who compares it by eye.
      if (value === undefined || /[\r\n]/.test(value)) throw unexpected();
      if (entries.has(key)) throw invalidFile(path, `${key} twice`);
      entries.set(key, value);
    }
  }
  return entries;
}

/** A scalar as it is written, so that digits stay text; `undefined` if nothing is written. */
function textOf(node: unknown): string | undefined {
  if (!isScalar(node)) return undefined;
  return typeof node.value === "string" ? node.value : node.source || undefined;
}

/** An error about an identity file that was found, or could not be made. */
export function invalidFile(path: string, why: string, cause?: unknown): DiscoveryError {
  return new DiscoveryError("ERR_IDENTITY_FILE_INVALID", `${path}: ${why}`, { cause });
}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
