/**
 * A registry of one's own: hosts of an inventory that answers in JSON over HTTP, asked again and again. The cases in
 * `own-registry.test.ts` hold it to what every registry does.
 */
import { DiscoveryError } from "talos-discovery";
import {
  type DiscoveryRegistry,
  RegistryFeed,
  type SignalOptions,
} from "talos-discovery/discovery";
import { type AffiliateSource, createAffiliateSpec } from "talos-discovery/resources";

export class InventoryRegistry implements DiscoveryRegistry {
  /** Stands before the node ID in the table of raw affiliates. Registries are merged in the order of their names. */
  readonly name = "inventory";
  readonly #url: string;
  readonly #intervalMs: number;
  readonly #feed: RegistryFeed;

  constructor(url: string, { intervalMs = 10_000 } = {}) {
    this.#url = url;
    this.#intervalMs = intervalMs;
    this.#feed = new RegistryFeed({ phase: "stopped", source: url });
  }

  get status() {
    return this.#feed.status;
  }

  get affiliates() {
    return this.#feed.affiliates;
  }

  watch(options?: SignalOptions) {
    return this.#feed.watch(options);
  }

  /** What goes wrong outside is told by the status, and never ends the loop. */
  async run({ signal }: SignalOptions = {}): Promise<void> {
    const source = this.#url;
    while (!signal?.aborted) {
      try {
        this.#feed.replace(await this.#ask(signal));
        this.#feed.setStatus({ phase: "connected", source });
      } catch (cause) {
        if (signal?.aborted) break;
        const lastError = new DiscoveryError("ERR_REGISTRY_FAILED", `${source}: ${cause}`, {
          cause,
        });
        this.#feed.setStatus({ phase: "waiting", source, lastError });
      }
      await pause(this.#intervalMs, signal);
    }
    this.#feed.setStatus({ phase: "stopped", source });
  }

  async #ask(signal: AbortSignal | undefined) {
    const response = await fetch(this.#url, { signal: signal ?? null });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const hosts = (await response.json()) as AffiliateSource[];
    return hosts.map(createAffiliateSpec);
  }
}

/** Resolves early where `signal` aborts. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
  });
}
