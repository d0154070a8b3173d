/**
 * The KubeSpan mesh, as commands ask for it: this machine's identity in it, its WireGuard
 * interface, and problems of peers.
 * @module
 */
import { execFile } from "node:child_process";
import { networkInterfaces } from "node:os";
import { promisify } from "node:util";
import {
  type KubeSpanIdentity,
  kubespanSubnet,
  type PeerProblem,
  parseWireguardDump,
  type WireguardStatus,
} from "../../kubespan/index.ts";
import { quote } from "../../net/quote.ts";
import { ownVariables } from "../../node/child-environment.ts";
import { CommandFailure, oneLine, UsageError } from "../exit.ts";
import type { CliIo } from "../io.ts";

/** What tunnels and other devices without a card have. */
const NO_MAC = "00:00:00:00:00:00";

/** Linux' limit of an interface's name, and characters that mean nothing else. */
const INTERFACE_FORM = /^[A-Za-z0-9_=+.][A-Za-z0-9_=+.-]{0,14}$/;

/** A tool that asks the kernel is quick. */
const WG_TIMEOUT_MS = 10_000;

const runFile = promisify(execFile);

/**
 * The MAC address of the machine's first network card that is up.
 *
 * @throws {UsageError} where it has none, as in some containers.
 */
export function firstMac(interfaces: typeof networkInterfaces = networkInterfaces): string {
  const card = Object.values(interfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, mac }) => !internal && mac !== NO_MAC);
  if (card !== undefined) return card.mac;
  throw new UsageError(
    "this machine has no network card that is up, to take an address from; see identity new --kubespan --mac",
  );
}

/**
 * Looks whether an identity is one of the cluster.
 *
 * @param path - Of its file.
 * @throws {UsageError} where it was made for another.
 */
export function requireCluster(
  { subnet }: KubeSpanIdentity,
  clusterId: string,
  path: string,
): void {
  const expected = kubespanSubnet(clusterId);
  if (subnet === expected) return;
  throw new UsageError(
    `${path}: made for another cluster, with the subnet ${subnet} and not ${expected}`,
  );
}

/** Reads the name of a network interface. */
export function parseInterfaceName(text: string): string {
  // Two words have a meaning of their own for wg.
  if (INTERFACE_FORM.test(text) && text !== "all" && text !== "interfaces") return text;
  throw new RangeError("is no name of a network interface");
}

/**
 * Asks WireGuard what it knows of an interface and its peers.
 *
 * @throws {CommandFailure} where there is no `wg`, no such interface, or no permission, with what
 *   to do about it.
 */
export async function readWireguard(
  name: string,
  { env, signal }: Pick<CliIo, "env" | "signal">,
): Promise<WireguardStatus> {
  try {
    const childEnv = { ...env };
    for (const name of ownVariables(env)) delete childEnv[name];
    const options = { env: childEnv, signal, timeout: WG_TIMEOUT_MS };
    const { stdout } = await runFile("wg", ["show", name, "dump"], options);
    return parseWireguardDump(stdout);
  } catch (error) {
    if (signal.aborted) throw new CommandFailure("interrupted");
    throw new CommandFailure(`interface ${name}: ${explainWgFailure(error)}`, { cause: error });
  }
}

/**
 * A problem in one line.
 *
 * @param who - The node, for people, safe for a terminal.
 */
export function describePeerProblem(problem: PeerProblem, who: string): string {
  switch (problem.reason) {
    case "public_key_malformed":
      return `${who} is no peer: its public key is none`;
    case "public_key_taken":
      return `${who} is no peer: ${quote(problem.by)} has its public key`;
    case "address_malformed":
      return `${who}: ${quote(problem.text)} is no address, and left out`;
    case "prefix_malformed":
      return `${who}: ${quote(problem.text)} is no prefix, and left out`;
    case "endpoint_malformed":
      return `${who}: ${quote(problem.text)} is no endpoint, and left out`;
  }
}

function explainWgFailure(error: unknown): string {
  const { code, stderr = "" } = error as { code?: unknown; stderr?: string };
  if (code === "ENOENT") return "there is no wg: install wireguard-tools";
  const said = stderr.trim();
  if (/No such device/i.test(said)) return "there is no such WireGuard interface; see --interface";
  if (/not permitted|denied/i.test(said)) return "only root may look at it";
  if (/Protocol not supported/i.test(said)) return "the kernel has no WireGuard";
  return said === "" ? oneLine(error) : oneLine(new Error(said));
}
