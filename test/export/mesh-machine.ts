/**
 * Machines of a mesh: each a network of its own, with its own routes and its own WireGuard, beside each other on a wire.
 *
 * It takes the privilege to make namespaces, and `/dev/net/tun` where the kernel has no WireGuard.
 * @module
 */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished } from "vitest";
import { parseWireguardDump, type WireguardStatus } from "../../src/kubespan/index.ts";
import { buildGoProgram } from "../harness/go/go-build.ts";
import { LineProcess } from "../harness/processes/line-process.ts";

/** Names the interface, as a file's name does for `wg-quick`. */
export const INTERFACE = "kubespan";

const GO_MODULE = resolve(import.meta.dirname, "wireguard-go");
const GO_PACKAGE = "golang.zx2c4.com/wireguard";

/** Where a wire ends. */
const WIRE = "eth0";

const RUN_LIMIT_MS = 30_000;

/**
 * Says its process ID as everybody else sees it, which it can only before it has a `/proc` of its own. `/run` has the sockets
 * of WireGuard in user space, by the interface's name.
 */
const MACHINE_SCRIPT =
  "read -r pid rest < /proc/self/stat && mount -t proc proc /proc && mount -t tmpfs tmpfs /run && " +
  "ip link set lo up && echo $pid && exec sleep infinity";

const runFile = promisify(execFile);

/** WireGuard in user space, for kernels without. Resolves with the program's path. */
export function buildWireguard(): Promise<string> {
  return buildGoProgram({
    name: "wireguard-go",
    module: GO_MODULE,
    packageName: GO_PACKAGE,
    cache: "interop",
  });
}

/** A machine. It ends with the test, with all that runs on it. */
export interface MeshMachine {
  /** Of the process that holds its namespaces. */
  readonly pid: number;
  /** Runs a program to its end, and gives its stdout. */
  run(program: string, ...args: readonly string[]): Promise<string>;
  /** Starts a program that goes on, in the machine's network; its lines are its events. */
  start(program: string, ...args: readonly string[]): LineProcess<string>;
  /** What its WireGuard says. */
  wireguard(): Promise<WireguardStatus>;
}

/** @param wireguard - See {@link buildWireguard}. */
export async function createMachine(wireguard: string): Promise<MeshMachine> {
  const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child"];
  const args = [...namespaces, "sh", "-c", MACHINE_SCRIPT];
  const holder = new LineProcess<string>("machine", "unshare", args, (line) => line);
  onTestFinished(() => holder.kill());
  const pid = Number(await holder.until("its process ID", () => holder.events.find(isDigits)));
  const env = { WG_QUICK_USERSPACE_IMPLEMENTATION: wireguard };
  const inside = ["--target", `${pid}`, "--net", "--mount", "--pid"];

  async function run(program: string, ...args: readonly string[]): Promise<string> {
    const options = { env: { ...process.env, ...env }, timeout: RUN_LIMIT_MS };
    const { stdout } = await runFile("nsenter", [...inside, program, ...args], options);
    return stdout;
  }

  return {
    pid,
    run,
    start(program, ...args) {
      // Not among the machine's processes: there it would be the child of one that waits, and outlive it.
      const line = ["--target", `${pid}`, "--net", program, ...args];
      const started = new LineProcess<string>(program, "nsenter", line, (text) => text);
      onTestFinished(() => started.kill());
      return started;
    },
    wireguard: async () => parseWireguardDump(await run("wg", "show", INTERFACE, "dump")),
  };
}

/** Lays a wire between two machines, and gives each an address at its end. */
export async function connect(
  [a, addressA]: readonly [MeshMachine, string],
  [b, addressB]: readonly [MeshMachine, string],
): Promise<void> {
  const peer = ["type", "veth", "peer", "name", WIRE, "netns", `/proc/${b.pid}/ns/net`];
  const { pid } = a;
  // From outside: a machine sees no process of another.
  await runFile("nsenter", ["--target", `${pid}`, "--net", "ip", "link", "add", WIRE, ...peer]);
  for (const [machine, address] of [[a, addressA] as const, [b, addressB] as const]) {
    await machine.run("ip", "address", "add", `${address}/24`, "dev", WIRE);
    await machine.run("ip", "link", "set", WIRE, "up");
  }
  for (const machine of [a, b]) {
    // The kernel takes its time to say so, and until then Node does not list it.
    await expect.poll(() => machine.run("ip", "link", "show", WIRE)).toContain("state UP");
  }
}

function isDigits(line: string): boolean {
  return /^\d+$/.test(line);
}
