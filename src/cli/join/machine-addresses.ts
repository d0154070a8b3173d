/**
 * The addresses of this machine that other machines may know, as they are now.
 * @module
 */
import { networkInterfaces } from "node:os";
import { formatAddress, parseAddress } from "../../net/address.ts";
import { type AddressFilter, passesFilter } from "../../net/address-filter.ts";
import { contains, type Prefix, parsePrefix } from "../../net/prefix.ts";

/** Loopback and link-local addresses, which mean nothing to another machine. */
const MEANINGLESS_ELSEWHERE: readonly Prefix[] = /* @__PURE__ */ [
  ...["127.0.0.0/8", "::1/128"],
  ...["169.254.0.0/16", "fe80::/10"],
].map(parsePrefix);

/** Whether another machine may reach this one there. @param ip - Binary form. */
export function meansSomethingElsewhere(ip: Uint8Array): boolean {
  return !MEANINGLESS_ELSEWHERE.some((prefix) => contains(prefix, ip));
}

/** Reads the addresses again and again, and tells when there are others. */
export class MachineAddresses {
  readonly #filter: AddressFilter;
  readonly #interfaces: typeof networkInterfaces;
  #last: readonly string[] = [];

  /** @param filter - Loopback and link-local addresses are left out before. */
  constructor(filter: AddressFilter, interfaces: typeof networkInterfaces = networkInterfaces) {
    this.#filter = filter;
    this.#interfaces = interfaces;
  }

  /**
   * IP addresses in canonical text, each once, in the system's order.
   *
   * @returns The same list as before while the addresses are the same, in whatever order; and while
   *   there is none at all: a machine that has lost its network can tell nobody, and will mostly
   *   have the same addresses again.
   */
  current(): readonly string[] {
    const now = new Set(this.#read());
    const isSame =
      now.size === this.#last.length && this.#last.every((address) => now.has(address));
    if (!isSame && now.size > 0) this.#last = [...now];
    return this.#last;
  }

  #read(): readonly string[] {
    return Object.values(this.#list())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal }) => !internal)
      .map(({ address }) => parseAddress(address.replace(/%.*$/, "")))
      .filter((ip) => meansSomethingElsewhere(ip) && passesFilter(this.#filter, ip))
      .map(formatAddress);
  }

  #list(): ReturnType<typeof networkInterfaces> {
    try {
      return this.#interfaces();
    } catch {
      // The system may have no memory or no descriptor for the answer: the next look finds it.
      return {};
    }
  }
}
