/**
 * How much memory calls may hold whose requests have not arrived whole: no rate limit sees them
 * until they have.
 * @module
 */
import { ClientShares } from "../../registry/client-shares.ts";
import type { MemoryBudget } from "../../registry/memory-budget.ts";
import { PART } from "./memory-costs.ts";

/**
 * What a client may hold in any case, so that others cannot keep it from calling: about 16 calls.
 */
const LEAST_BYTES = 100_000;

/** Counts what such calls hold: by client, and in all. */
export class PendingCalls {
  readonly #memory: MemoryBudget | undefined;
  readonly #shares: ClientShares | undefined;

  /** @param memory - Told of the bytes, as `streams`. Without one nothing is counted. */
  constructor(memory: MemoryBudget | undefined) {
    this.#memory = memory;
    this.#shares = memory && new ClientShares({ max: Math.ceil(memory.maxBytes * PART) });
  }

  /**
   * Counts more bytes.
   *
   * @param client - Its network key. Nobody is limited whose address is not known.
   * @returns Whether it may hold them; if not, nothing is counted.
   */
  hold(client: string | undefined, bytes: number): boolean {
    const shares = this.#shares;
    if (shares === undefined) return true;
    const isOver =
      client !== undefined &&
      !shares.allows(client, bytes) &&
      shares.heldBy(client) + bytes > LEAST_BYTES;
    if (isOver) return false;
    shares.add(client, bytes);
    this.#memory?.add("streams", bytes);
    return true;
  }

  /** Takes off what was counted. */
  release(client: string | undefined, bytes: number): void {
    if (this.#shares === undefined) return;
    this.#shares.remove(client, bytes);
    this.#memory?.add("streams", -bytes);
  }
}
