/**
 * Whether the service does its work, for probes of every kind.
 * @module
 */
import type { Registry, RegistryHealth } from "../../registry/registry.ts";

/** How often a change is looked for while somebody waits for one. */
const POLL_INTERVAL_MS = 1000;

/** The health of a service, and what its operator should know although it does its work. */
export interface ServiceStatus extends RegistryHealth {
  /** In few words, for anybody to read. */
  readonly warning?: string | undefined;
}

/** The health of a service: that of its registry, until it drains. */
export class ServiceHealth {
  readonly #registry: Registry;
  readonly #warning: () => string | undefined;
  readonly #waiting = new Set<() => void>();
  #isDraining = false;
  #poll: ReturnType<typeof setInterval> | undefined;

  /** @param warning - Asked at each check while all is well; see {@link ServiceStatus}. */
  constructor(registry: Registry, warning: () => string | undefined = () => undefined) {
    this.#registry = registry;
    this.#warning = warning;
  }

  /** Whether the service has begun to stop. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Why callers should go elsewhere, or that they need not. */
  async check(): Promise<ServiceStatus> {
    if (this.#isDraining) return { ok: false, reason: "shutting down" };
    try {
      const health = await this.#registry.health();
      return health.ok ? { ...health, warning: this.#warning() } : health;
    } catch {
      return { ok: false, reason: "registry" };
    }
  }

  /** From now on the service is not ready, and whoever waits is told. */
  drain(): void {
    this.#isDraining = true;
    this.#wake();
  }

  /** Waits until `ok` is another than `known`, or `signal` aborts. */
  async changed(known: boolean, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.check()).ok === known) await this.#nextLook(signal);
  }

  #nextLook(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener("abort", done);
        this.#waiting.delete(done);
        if (this.#waiting.size === 0) this.#stopPolling();
        resolve();
      };
      if (signal.aborted || this.#isDraining) {
        resolve();
        return;
      }
      signal.addEventListener("abort", done);
      this.#waiting.add(done);
      this.#poll ??= setInterval(() => this.#wake(), POLL_INTERVAL_MS);
    });
  }

  #stopPolling(): void {
    clearInterval(this.#poll);
    this.#poll = undefined;
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }
}
