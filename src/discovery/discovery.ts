/**
 * Any number of registries side by side, merged into what a node knows of its cluster.
 * @module
 */

import { Lifecycle } from "../async/lifecycle.ts";
import { type Sleep, sleep } from "../async/timers.ts";
import { type SignalOptions, unlessAborted, untilAborted, Wakeup } from "../async/waits.ts";
import type { LocalAffiliate } from "../resources/affiliate.ts";
import type { DiscoveryRegistry, RegistryStatus } from "../sources/discovery-registry.ts";
import { readAffiliate } from "../sources/registry-answer.ts";
import { isSameStatus } from "../sources/registry-feed.ts";
import type { DiscoveryChange, DiscoveryState } from "./discovery-change.ts";
import { MergedCluster } from "./merged-cluster.ts";
import { affiliatesOf, followRegistry, type RegistrySink, statusOf } from "./registry-follower.ts";

export interface DiscoveryOptions {
  /** Each with a name of its own. */
  readonly registries: readonly DiscoveryRegistry[];
  /**
   * The local node's, base62, where there is one: it is built from what it publishes, never from a
   * registry.
   */
  readonly nodeId?: string | undefined;
  /** Current time in ms since 1970, for `created` and `updated`. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** From [0, 1), for the jitter of waits. @default Math.random */
  readonly random?: (() => number) | undefined;
  /** @default a timer of the runtime */
  readonly sleep?: Sleep | undefined;
}

/**
 * A node's side of discovery with several registries at once.
 *
 * What they know is merged as {@link mergeAffiliates} says, in the order of their names. One that
 * fails takes nothing of what the others know: it is reported by its status and tried again, and
 * what it knew stays known meanwhile.
 *
 * @example
 * const discovery = new Discovery({ registries: [serviceRegistry, kubernetesRegistry], nodeId });
 * const running = discovery.run({ signal });
 * for await (const change of discovery.watch({ signal })) {
 *   if (change.kind !== "status") console.log([...change.state.members.keys()]);
 * }
 * await running;
 */
export class Discovery implements AsyncDisposable {
  readonly registries: readonly DiscoveryRegistry[];
  readonly #nodeId: string | undefined;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #sleep: Sleep;
  readonly #cluster: MergedCluster;
  /** Names of those that have neither answered nor failed yet. */
  readonly #unsettled: Set<string>;
  readonly #settling: Wakeup = new Wakeup();
  readonly #life: Lifecycle = new Lifecycle("this discovery");

  /**
   * @throws {TypeError} for two registries of one name, and for a name that is empty or has a `/`.
   */
  constructor({ registries, nodeId, now, random, sleep: sleeper }: DiscoveryOptions) {
    this.registries = [...registries];
    const names = this.registries.map(({ name }) => name);
    checkNames(names);
    this.#nodeId = nodeId;
    this.#now = now ?? Date.now;
    this.#random = random ?? Math.random;
    this.#sleep = sleeper ?? sleep;
    this.#cluster = new MergedCluster(names, nodeId);
    this.#unsettled = new Set(names);
    for (const registry of this.registries) {
      this.#cluster.setStatus(registry.name, statusOf(registry));
    }
    if (names.length === 0) this.#cluster.start();
  }

  /** Everything known. Live; stays while registries cannot be reached, and when `run` has ended. */
  get state(): DiscoveryState {
    return this.#cluster.state;
  }

  /** Where each registry stands, by name; also one that fails to say so itself. Live. */
  get statuses(): ReadonlyMap<string, RegistryStatus> {
    return this.#cluster.statuses;
  }

  /**
   * Sets what is known and told about the local node; every registry that takes it is told, also
   * where another refuses.
   *
   * @param local - Copied.
   * @throws {TypeError} where there is no `nodeId`, the affiliate has another, or lacks something.
   * @throws what the first of those that refuse throws, when all have been told.
   */
  publish(local: LocalAffiliate): void {
    if (this.#nodeId === undefined) throw new TypeError("publish: this discovery has no nodeId");
    const affiliate = readAffiliate(local.affiliate);
    if (affiliate.nodeId !== this.#nodeId) {
      throw new TypeError("publish: nodeId is not the local one");
    }
    this.#cluster.setLocal(affiliate, this.#now());
    this.#tellAll((registry) => registry.publish?.({ ...local, affiliate }));
  }

  /** Takes back what was published, here and from every registry. */
  withdraw(): void {
    this.#cluster.setLocal(undefined, this.#now());
    this.#tellAll((registry) => registry.withdraw?.());
  }

  /**
   * Resolves when every registry that takes it has accepted the last `publish` or `withdraw`. Waits
   * for those that cannot be reached.
   *
   * @throws `signal.reason` when `signal` aborts.
   */
  async flush({ signal }: SignalOptions = {}): Promise<void> {
    await this.#untilDisposed(signal, (own) =>
      Promise.all(this.registries.map((registry) => registry.flush?.({ signal: own }))),
    );
  }

  /**
   * First a snapshot, as soon as one registry has answered (where there is none, at once), then
   * each change; the status of each registry, and each new one, at any time. A slow reader gets the
   * latest state of each resource.
   *
   * @param options - `signal` ends the iteration, without an error. It does not end with `run`.
   */
  watch({ signal }: SignalOptions = {}): AsyncGenerator<DiscoveryChange, void, undefined> {
    return this.#life.each(signal, (own) => this.#cluster.watch({ signal: own }));
  }

  /**
   * Resolves when every registry has answered in all its parts, or has failed once; `state` then
   * has what they said. Waits for `run` where it is not running.
   *
   * @throws `signal.reason` when `signal` aborts.
   */
  async settled({ signal }: SignalOptions = {}): Promise<void> {
    await this.#untilDisposed(signal, async (own) => {
      while (this.#unsettled.size > 0) await this.#settling.wait(own);
      await Promise.all(this.registries.map((registry) => this.#settleParts(registry, own)));
    });
  }

  /**
   * Runs all registries until `signal` aborts, and then resolves, with everything freed.
   *
   * @throws {TypeError} while it is running already, or after disposal.
   */
  async run({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.run(signal, (own) => this.#runUntilAborted(own));
  }

  /** Stops `run`, and ends every `watch`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life.dispose();
  }

  async #runUntilAborted(signal: AbortSignal): Promise<void> {
    const options = { random: this.#random, sleep: this.#sleep };
    await Promise.all([
      ...this.registries.map((registry) =>
        followRegistry(registry, this.#sinkOf(registry), options, signal),
      ),
      // Where there are none, too.
      untilAborted(signal),
    ]);
  }

  #sinkOf({ name }: DiscoveryRegistry): RegistrySink {
    const cluster = this.#cluster;
    // What a first snapshot shows may have been there for long.
    let hasAnswered = false;
    return {
      snapshot: (affiliates) => {
        cluster.replaceShare(name, affiliates, hasAnswered ? this.#now() : undefined);
        hasAnswered = true;
        this.#cluster.start();
        this.#settle(name);
      },
      updated: (affiliate) => cluster.setShare(name, affiliate, this.#now()),
      deleted: (nodeId) => cluster.deleteShare(name, nodeId, this.#now()),
      status: (status) => {
        const known = this.#cluster.statuses.get(name);
        if (known === undefined || !isSameStatus(known, status)) {
          this.#cluster.setStatus(name, status);
        }
        if (status.lastError !== undefined) this.#settle(name);
      },
    };
  }

  #settle(name: string): void {
    this.#unsettled.delete(name);
    if (this.#unsettled.size === 0) this.#settling.notify();
  }

  async #settleParts(registry: DiscoveryRegistry, signal: AbortSignal): Promise<void> {
    if (registry.settled === undefined) return;
    try {
      await registry.settled({ signal });
      // What the last part said may still be on its way through `watch`.
      this.#cluster.replaceShare(registry.name, affiliatesOf(registry), this.#now());
    } catch {
      // Its failures are told by its status; an abort ends the wait around this one.
    }
  }

  /** One registry that refuses keeps none of the others from hearing it. */
  #tellAll(tell: (registry: DiscoveryRegistry) => void): void {
    const failures: unknown[] = [];
    for (const registry of this.registries) {
      try {
        tell(registry);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Whatever a registry makes of its signal. */
  async #untilDisposed(
    signal: AbortSignal | undefined,
    wait: (own: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    await this.#life.during(signal, (own) => unlessAborted(wait(own), own));
  }
}

function checkNames(names: readonly string[]): void {
  for (const name of names) {
    if (typeof name !== "string" || name === "" || name.includes("/")) {
      throw new TypeError(`registries: ${JSON.stringify(name)} is no name for one`);
    }
  }
  if (new Set(names).size < names.length) {
    throw new TypeError(`registries: two have one name: ${names.join(", ")}`);
  }
}
