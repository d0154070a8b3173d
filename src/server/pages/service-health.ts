/**
 * Whether the service does its work, for probes of every kind.
 * @module
 */
import type { Registry, RegistryHealth } from "../../registry/registry.ts";

/** How often a change is looked for while somebody waits for one. */
const POLL_INTERVAL_MS = 1000;

/** The health of a service: that of its registry, until it drains. */
export class ServiceHealth {
  readonly #registry: Registry;
  /** Who waits, by the `ok` that they know. */
  readonly #waiting = { ok: new Set<() => void>(), notOk: new Set<() => void>() };
  readonly #warning: () => string | undefined;
  #isDraining = false;
  #poll: ReturnType<typeof setTimeout> | undefined;

  /** @param warning - Asked at each check while all is well; see {@link RegistryHealth.warning}. */
  constructor(registry: Registry, warning: () => string | undefined = () => undefined) {
    this.#registry = registry;
    this.#warning = warning;
  }

  /** Whether the service has begun to stop. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Why callers should go elsewhere, or that they need not. */
  async check(): Promise<RegistryHealth> {
    if (this.#isDraining) return { ok: false, reason: "shutting down" };
    try {
      const health = await this.#registry.health();
      const warning = health.ok ? this.#warning() : undefined;
      return warning === undefined ? health : { ...health, warning };
    } catch {
      return { ok: false, reason: "registry" };
    }
  }

  /** From now on the service is not ready, and all who wait are woken. */
  drain(): void {
    this.#isDraining = true;
    wake(this.#waiting.ok);
    wake(this.#waiting.notOk);
    this.#stopPolling();
  }

  /**
   * Waits until `ok` is another than `known`, the service drains, or `signal` aborts. All waits
   * share one look at the registry per second, and none is woken by it before there is a change: a
   * caller may hold thousands of them.
   */
  async changed(known: boolean, signal: AbortSignal): Promise<void> {
    if (this.#isDraining || signal.aborted || (await this.check()).ok !== known) return;
    await new Promise<void>((resolve) => {
      const waiting = known ? this.#waiting.ok : this.#waiting.notOk;
      const done = () => {
        signal.removeEventListener("abort", done);
        waiting.delete(done);
        if (this.#waiting.ok.size + this.#waiting.notOk.size === 0) this.#stopPolling();
        resolve();
      };
      // Both may have come while the registry was asked.
      if (this.#isDraining || signal.aborted) {
        resolve();
        return;
      }
      signal.addEventListener("abort", done);
      waiting.add(done);
      this.#poll ??= this.#pollLater();
    });
  }

  #pollLater(): ReturnType<typeof setTimeout> {
    return setTimeout(() => void this.#look(), POLL_INTERVAL_MS);
  }

  async #look(): Promise<void> {
    const poll = this.#poll;
    const { ok } = await this.check();
    wake(ok ? this.#waiting.notOk : this.#waiting.ok);
    // Unless the last wait has ended meanwhile, and perhaps another one has begun.
    if (this.#poll === poll && poll !== undefined) this.#poll = this.#pollLater();
  }

  #stopPolling(): void {
    clearTimeout(this.#poll);
    this.#poll = undefined;
  }
}

function wake(waiting: ReadonlySet<() => void>): void {
  for (const done of [...waiting]) done();
}
