/**
 * WireGuard on this machine, through its own tool.
 * @module
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { parseWireguardDump, type WireguardStatus } from "../../kubespan/index.ts";
import { CommandFailure, oneLine } from "../exit.ts";
import type { CliIo } from "../io.ts";

/** Linux' limit of an interface's name, and characters that mean nothing else. */
const INTERFACE_FORM = /^[A-Za-z0-9_=+.][A-Za-z0-9_=+.-]{0,14}$/;

/** A tool that asks the kernel is quick. */
const TIMEOUT_MS = 10_000;

const run = promisify(execFile);

/** Reads the name of a network interface. */
export function parseInterfaceName(text: string): string {
  // Two words have a meaning of their own for wg.
  if (INTERFACE_FORM.test(text) && text !== "all" && text !== "interfaces") return text;
  throw new RangeError("is no name of a network interface");
}

/**
 * Asks WireGuard what it knows of an interface and its peers.
 *
 * @throws {CommandFailure} where there is no `wg`, no such interface, or no permission, with what to do about it.
 */
export async function readWireguard(
  name: string,
  { env, signal }: Pick<CliIo, "env" | "signal">,
): Promise<WireguardStatus> {
  try {
    const options = { env: { ...env }, signal, timeout: TIMEOUT_MS };
    const { stdout } = await run("wg", ["show", name, "dump"], options);
    return parseWireguardDump(stdout);
  } catch (error) {
    if (signal.aborted) throw new CommandFailure("interrupted");
    throw new CommandFailure(`interface ${name}: ${explain(error)}`, { cause: error });
  }
}

function explain(error: unknown): string {
  const { code, stderr = "" } = error as { code?: unknown; stderr?: string };
  if (code === "ENOENT") return "there is no wg: install wireguard-tools";
  const said = stderr.trim();
  if (/No such device/i.test(said)) return "there is no such WireGuard interface; see --interface";
  if (/not permitted|denied/i.test(said)) return "only root may look at it";
  if (/Protocol not supported/i.test(said)) return "the kernel has no WireGuard";
  return said === "" ? oneLine(error) : oneLine(new Error(said));
}
