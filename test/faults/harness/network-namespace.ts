/**
 * A network of a test's own: loopback, and a card whose addresses and link the test changes.
 * @module
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The card that other machines would see. */
const CARD = "card0";

/** Lives until it is disposed. Needs root, or a kernel that gives users a namespace of their own. */
export class NetworkNamespace implements AsyncDisposable {
  /** Runs a program in here: stands before its name and arguments. */
  readonly enter: readonly string[];
  readonly #end: () => Promise<void>;

  private constructor(enter: readonly string[], end: () => Promise<void>) {
    this.enter = enter;
    this.#end = end;
  }

  static async create(): Promise<NetworkNamespace> {
    const isRoot = process.getuid?.() === 0;
    // It holds the namespace open until its stdin ends.
    const holder = spawn("unshare", [isRoot ? "-n" : "-Urn", "sh", "-c", "echo ready; exec cat"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    const own = isRoot ? ["-n"] : ["-U", "-n", "--preserve-credentials"];
    const enter = ["nsenter", "-t", String(holder.pid), ...own, "--"];
    const namespace = new NetworkNamespace(enter, async () => {
      const closed = once(holder, "close");
      holder.stdin.end();
      await closed;
    });
    await namespace.loopback("up");
    await namespace.#ip("link", "add", CARD, "type", "veth", "peer", "name", "card1");
    for (const card of [CARD, "card1"]) await namespace.#ip("link", "set", card, "up");
    return namespace;
  }

  /** Takes loopback away, silently: what is sent is lost. */
  async loopback(state: "up" | "down"): Promise<void> {
    await this.#ip("link", "set", "lo", state);
  }

  /** @param address - With its prefix length. */
  async addAddress(address: string): Promise<void> {
    await this.#ip("address", "add", address, "dev", CARD);
  }

  async removeAddress(address: string): Promise<void> {
    await this.#ip("address", "del", address, "dev", CARD);
  }

  async #ip(...args: readonly string[]): Promise<void> {
    const [program = "", ...rest] = [...this.enter, "ip", ...args];
    await run(program, rest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}
