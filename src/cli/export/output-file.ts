/**
 * The file that `--out` names: replaced as a whole, and only when it would differ.
 * @module
 */
import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { AtomicFile } from "../../node/files/atomic-file.ts";
import { fileFailure } from "../../node/files/file-failure.ts";
import { CommandFailure, oneLine } from "../exit.ts";
import { shownPath } from "../input-file.ts";
import type { ExportRenderer } from "./format.ts";

const PUBLIC_MODE = 0o644;
const PRIVATE_MODE = 0o600;

/** Options of {@link writeExport}. */
export interface WriteExportOptions {
  /** A new file is readable by its owner alone; one that is there keeps its permissions. */
  readonly isPrivate: boolean;
  /** See {@link ExportRenderer.merge}. */
  readonly merge: ExportRenderer["merge"];
}

/**
 * Writes an export.
 *
 * @param path - A symbolic link stays, and what it leads to is replaced. A missing folder is made.
 * @returns Whether the file was written: not where it has this text already.
 * @throws {CommandFailure} `PATH: why`; the file is as it was.
 */
export async function writeExport(
  path: string,
  exported: string,
  { isPrivate, merge }: WriteExportOptions,
): Promise<boolean> {
  try {
    const existing = await readExisting(path);
    const text = merge === undefined ? exported : merge(textOf(existing), exported);
    const content = Buffer.from(text);
    if (existing?.equals(content)) return false;
    await using file = await AtomicFile.create(path, {
      mode: isPrivate ? PRIVATE_MODE : PUBLIC_MODE,
      keepsMode: true,
    });
    await file.write([content]);
    await file.sync();
    await file.commit();
    return true;
  } catch (error) {
    const why =
      error instanceof CommandFailure
        ? `${shownPath(path)}: ${oneLine(error)}`
        : fileFailure(shownPath(path), error);
    throw new CommandFailure(why, { cause: error });
  }
}

/** @returns `undefined` where there is no file. */
async function readExisting(path: string): Promise<Buffer | undefined> {
  try {
    // A pipe or a device might never end, and cannot be replaced by a rename.
    if (!(await stat(path)).isFile()) throw new CommandFailure("is not a file");
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** What is no UTF-8 would not come back as it was. */
function textOf(bytes: Buffer | undefined): string {
  if (bytes === undefined) return "";
  if (isUtf8(bytes)) return bytes.toString();
  throw new CommandFailure("is not text in UTF-8, and is left as it is");
}
