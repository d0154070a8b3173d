/**
 * Where an export goes: stdout, a port, or a file, which is replaced as a whole and only if it
 * would differ.
 * @module
 */

import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import type { Command } from "commander";
import { AtomicFile } from "../../node/files/atomic-file.ts";
import { fileFailure } from "../../node/files/file-failure.ts";
import type { ListenAddress } from "../../node/index.ts";
import { CommandFailure, oneLine, UsageError } from "../exit.ts";
import { parseListenAddress, parseTimeout } from "../flags/flag-values.ts";
import { type Flags, flag } from "../flags/flags.ts";
import { shownPath } from "../input-file.ts";
import type { ExportFormat, ExportRenderer } from "./exporter.ts";

const PUBLIC_MODE = 0o644;
const PRIVATE_MODE = 0o600;

/** What the flags ask for. */
export type Destination =
  | { readonly kind: "stdout"; readonly timeoutMs: number }
  | { readonly kind: "file"; readonly path: string; readonly timeoutMs: number }
  | { readonly kind: "followed-file"; readonly path: string }
  | { readonly kind: "port"; readonly address: ListenAddress; readonly mediaType: string };

/** Adds the flags that {@link readDestination} reads. */
export function addDestinationFlags(command: Command, { servedAs }: ExportFormat): Command {
  command
    .addOption(flag("--out <file>", "write to this file, as a whole and only when it changes"))
    .addOption(flag("-w, --watch", "with --out: go on, and write each change until interrupted"));
  if (servedAs !== undefined) {
    command.addOption(
      flag(
        "--serve <addr>",
        "answer over HTTP at / and /targets until interrupted: 9101 on this machine alone, :9101 on all addresses",
      ),
    );
  }
  return command.addOption(flag("--timeout <duration>", "how long to wait for an answer", "10s"));
}

/** @throws {UsageError} for a flag that does not parse, or does not go with the others. */
export function readDestination(flags: Flags, { servedAs }: ExportFormat): Destination {
  const path = flags.text("out");
  const isWatch = flags.isOn("watch");
  const timeoutMs = flags.requiredParsed("timeout", parseTimeout);
  const address =
    servedAs === undefined ? undefined : flags.parsed("serve", parseLoopbackListenAddress);
  const isEndless = isWatch || address !== undefined;
  if (isEndless && flags.isGiven("timeout")) {
    throw new UsageError(`--timeout: not with --${isWatch ? "watch" : "serve"}`);
  }
  if (address !== undefined && servedAs !== undefined) {
    if (path !== undefined || isWatch) {
      throw new UsageError(`--serve: not with --${isWatch ? "watch" : "out"}`);
    }
    return { kind: "port", address, mediaType: servedAs };
  }
  if (path !== undefined) {
    return isWatch ? { kind: "followed-file", path } : { kind: "file", path, timeoutMs };
  }
  if (isWatch) throw new UsageError("--watch: needs --out, the file to keep up to date");
  return { kind: "stdout", timeoutMs };
}

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

/**
 * Who lists the nodes of a cluster without asking who wants to know does so for its own machine,
 * unless told otherwise.
 */
function parseLoopbackListenAddress(text: string): ListenAddress {
  return /^\d+$/.test(text) ? parseListenAddress(`127.0.0.1:${text}`) : parseListenAddress(text);
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
