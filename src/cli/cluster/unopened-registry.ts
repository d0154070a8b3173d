/**
 * A registry whose file does not load: one that failed, beside others that go on, and that is
 * mended when the file is.
 * @module
 */

import { Lifecycle } from "../../async/lifecycle.ts";
import { type Sleep, sleep } from "../../async/timers.ts";
import {
  linkedController,
  type SignalOptions,
  unlessAborted,
  untilAborted,
} from "../../async/waits.ts";
import type { DiscoveryRegistry } from "../../discovery/index.ts";
import { type DiscoveryError, isDiscoveryError } from "../../errors.ts";
import type { AffiliateSpec, LocalAffiliate } from "../../resources/index.ts";
import type {
  RegistryChange,
  RegistryPart,
  RegistryStatus,
} from "../../sources/discovery-registry.ts";
import { RegistryFeed } from "../../sources/registry-feed.ts";

/** How often to look whether a file has been mended. */
const RETRY_MS = 2000;

/** What an {@link UnopenedRegistry} is made from. */
export interface UnopenedRegistryOptions {
  readonly name: string;
  /** The path, for people. */
  readonly source: string;
  /** Why it could not be opened so far. */
  readonly error: DiscoveryError;
  /** Tries again. Rejects with a {@link DiscoveryError}. */
  readonly open: () => Promise<DiscoveryRegistry>;
  /** Whether it will take what is published. */
  readonly publishes: boolean;
  readonly onRetry: (error: DiscoveryError, delayMs: number) => void;
  /** @default the runtime's timers */
  readonly sleep?: Sleep | undefined;
}

/** Fails until it can be opened, and is then the registry that was meant. */
export class UnopenedRegistry implements DiscoveryRegistry {
  readonly name: string;
  readonly publish?: (local: LocalAffiliate) => void;
  readonly withdraw?: () => void;
  readonly #options: UnopenedRegistryOptions;
  /** Until it is opened. */
  readonly #feed: RegistryFeed;
  readonly #opening: AbortController = new AbortController();
  readonly #life: Lifecycle = new Lifecycle("this registry");
  #opened: DiscoveryRegistry | undefined;
  #error: DiscoveryError;
  #local: LocalAffiliate | undefined;

  constructor(options: UnopenedRegistryOptions) {
    this.name = options.name;
    this.#options = options;
    this.#error = options.error;
    this.#feed = new RegistryFeed({ phase: "stopped", source: options.source });
    if (options.publishes) {
      this.publish = (local) => {
        this.#local = local;
        this.#opened?.publish?.(local);
      };
      this.withdraw = () => {
        this.#local = undefined;
        this.#opened?.withdraw?.();
      };
    }
  }

  /** Of the last attempt. */
  get error(): DiscoveryError {
    return this.#error;
  }

  get status(): RegistryStatus {
    return (this.#opened ?? this.#feed).status;
  }

  get affiliates(): ReadonlyMap<string, AffiliateSpec> {
    return (this.#opened ?? this.#feed).affiliates;
  }

  get parts(): readonly RegistryPart[] | undefined {
    return this.#opened?.parts;
  }

  async *watch({ signal }: SignalOptions = {}): AsyncGenerator<RegistryChange, void, undefined> {
    const { controller, unlink } = linkedController(signal, this.#opening.signal);
    try {
      yield* this.#feed.watch({ signal: controller.signal });
    } finally {
      unlink();
    }
    if (this.#opened !== undefined) yield* this.#opened.watch({ signal });
  }

  /** Waits until it can be opened. */
  async flush({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.during(signal, (own) =>
      unlessAborted(untilAborted(this.#opening.signal), own),
    );
    await this.#opened?.flush?.({ signal });
  }

  /** @throws {TypeError} while it is running already. */
  async run({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.run(signal, async (own) => {
      try {
        await this.#open(own);
        await this.#opened?.run({ signal: own });
      } finally {
        this.#tellStatus("stopped");
      }
    });
  }

  /** Tries until it works, or `signal` aborts. */
  async #open(signal: AbortSignal): Promise<void> {
    const { open, onRetry, sleep: sleeper = sleep } = this.#options;
    while (this.#opened === undefined && !signal.aborted) {
      this.#tellStatus("waiting");
      onRetry(this.#error, RETRY_MS);
      await sleeper(RETRY_MS, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        this.#opened = await open();
      } catch (error) {
        if (!isDiscoveryError(error)) throw error;
        this.#error = error;
        continue;
      }
      if (this.#local !== undefined) this.#opened.publish?.(this.#local);
      this.#opening.abort();
    }
  }

  #tellStatus(phase: "waiting" | "stopped"): void {
    const { source } = this.#options;
    this.#feed.setStatus(
      phase === "waiting" ? { phase, source, lastError: this.#error } : { phase, source },
    );
  }
}
