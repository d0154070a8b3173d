/**
 * Shares of clients, and of IPv6 networks of 48 bits: one customer of a provider may have all of the
 * 65,536 networks of 64 bits in it, each of which is a client.
 * @module
 */
import { ClientShares, type ClientSharesOptions } from "../../registry/client-shares.ts";
import type { RegistryClient } from "../../registry/registry.ts";

/** As `ClientShares`, for clients that may be part of a wider network, which has the same share. */
export class NetworkShares {
  readonly #clients: ClientShares;
  readonly #networks: ClientShares;

  /** @throws {RangeError} If an option is out of range. */
  constructor(options: ClientSharesOptions) {
    this.#clients = new ClientShares(options);
    const free = options.free ?? (() => options.max - this.#clients.held);
    this.#networks = new ClientShares({ ...options, free });
  }

  /** How many all clients hold, unknown ones included. */
  get held(): number {
    return this.#clients.held;
  }

  /** How many one client holds, whatever its network holds. */
  heldBy(client: RegistryClient | undefined): number {
    return this.#clients.heldBy(client?.client);
  }

  /** Whether `client` may hold one more, and its network. An unknown one may. */
  allows(client: RegistryClient | undefined): boolean {
    return this.#clients.allows(client?.client) && this.#networks.allows(client?.network);
  }

  /** Counts one more. */
  add(client: RegistryClient | undefined): void {
    this.#clients.add(client?.client);
    this.#networks.add(client?.network);
  }

  /** Counts one less. */
  remove(client: RegistryClient | undefined): void {
    this.#clients.remove(client?.client);
    this.#networks.remove(client?.network);
  }
}
