/**
 * A registry that does as a test says, also what none should do.
 * @module
 */

import { untilAborted } from "../../../src/async/waits.ts";
import type { LocalAffiliate } from "../../../src/resources/affiliate.ts";
import type {
  DiscoveryRegistry,
  RegistryChange,
  RegistryStatus,
} from "../../../src/sources/discovery-registry.ts";
import { RegistryFeed } from "../../../src/sources/registry-feed.ts";

export class ScriptedRegistry implements DiscoveryRegistry {
  readonly name: string;
  readonly feed: RegistryFeed;
  readonly published: (LocalAffiliate | undefined)[] = [];
  /** How often `run` began, and how often it is running. */
  runs = 0;
  running = 0;
  /** Takes the place of `watch`, of `run`. */
  onWatch: ((signal: AbortSignal) => AsyncIterable<RegistryChange>) | undefined;
  onRun: ((signal: AbortSignal) => Promise<void>) | undefined;

  constructor(name: string) {
    this.name = name;
    this.feed = new RegistryFeed({ phase: "stopped", source: `${name}.test` });
  }

  get status(): RegistryStatus {
    return this.feed.status;
  }

  get affiliates() {
    return this.feed.affiliates;
  }

  watch({ signal = new AbortController().signal }: { signal?: AbortSignal | undefined } = {}) {
    return this.onWatch?.(signal) ?? this.feed.watch({ signal });
  }

  async run({ signal = new AbortController().signal }: { signal?: AbortSignal | undefined } = {}) {
    this.runs++;
    this.running++;
    try {
      await (this.onRun?.(signal) ?? untilAborted(signal));
    } finally {
      this.running--;
    }
  }

  publish(local: LocalAffiliate): void {
    this.published.push(local);
  }

  withdraw(): void {
    this.published.push(undefined);
  }
}
