/**
 * Where an export goes: stdout, a file, or a port; once, or again with each change.
 * @module
 */
import type { Command } from "commander";
import type { ListenAddress } from "../../node/index.ts";
import { UsageError } from "../exit.ts";
import { parseListenAddress, parseTimeout } from "../flags/flag-values.ts";
import { type Flags, flag } from "../flags/flags.ts";
import type { ExportFormat } from "./format.ts";

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

/** Who lists the nodes of a cluster without asking who wants to know does so for its own machine, unless told otherwise. */
function parseLoopbackListenAddress(text: string): ListenAddress {
  return /^\d+$/.test(text) ? parseListenAddress(`127.0.0.1:${text}`) : parseListenAddress(text);
}
