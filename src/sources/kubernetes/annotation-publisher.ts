/**
 * Keeps the annotations of our own `Node` object as they are to be.
 * @module
 */

import { Backoff, MAX_BACKOFF_MS } from "../../async/backoff.ts";
import type { Sleep } from "../../async/timers.ts";
import { untilFirstEnds, Wakeup } from "../../async/waits.ts";
import { DiscoveryError } from "../../errors.ts";
import type { AffiliateSpec } from "../../resources/affiliate.ts";
import {
  type AnnotationName,
  type AnnotationValues,
  affiliateAnnotations,
  NO_ANNOTATIONS,
} from "./annotations.ts";
import { toKubernetesError } from "./api-errors.ts";
import type { NodeApi } from "./node-api.ts";
import type { KubernetesNode } from "./node-mapping.ts";

const NAMES = Object.keys(NO_ANNOTATIONS) as AnnotationName[];

export interface AnnotationPublisherOptions {
  readonly nodes: NodeApi;
  readonly nodeName: string;
  /** What stands in the way, or `undefined` where nothing does any more. */
  readonly onError: (error: DiscoveryError | undefined) => void;
  readonly onRetry: (error: DiscoveryError, delayMs: number) => void;
  readonly onMissing: (error: DiscoveryError) => void;
  readonly now: () => number;
  readonly random: () => number;
  readonly sleep: Sleep;
}

/**
 * Our object as last seen. `awaited`: it is about to be seen. `unknown`: nobody looks. `absent`:
 * there is none.
 */
type Seen = AnnotationValues | "awaited" | "unknown" | "absent";

export class AnnotationPublisher {
  readonly #options: AnnotationPublisherOptions;
  readonly #backoff: Backoff;
  readonly #changed: Wakeup = new Wakeup();
  readonly #published: Wakeup = new Wakeup();
  readonly #accepted: Wakeup = new Wakeup();
  #wanted: AnnotationValues | undefined;
  /** Grows with each `publish` and `withdraw`. */
  #wantedVersion = 0;
  #acceptedVersion = 0;
  #patchedAtMs: number = Number.NEGATIVE_INFINITY;
  #seen: Seen = "awaited";
  #sightings = 0;
  #isMissing = false;

  constructor(options: AnnotationPublisherOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
  }

  publish(affiliate: AffiliateSpec): void {
    this.#want(affiliateAnnotations(affiliate));
  }

  withdraw(): void {
    this.#want(NO_ANNOTATIONS);
  }

  /**
   * Resolves when the last of `publish` and `withdraw` stands on the object; rejects when `signal`
   * aborts.
   */
  async flush(signal: AbortSignal): Promise<void> {
    const version = this.#wantedVersion;
    while (this.#acceptedVersion < version) await this.#accepted.wait(signal);
  }

  /** Our object as it is, or `undefined` where there is none. Known until {@link forget}. */
  see(node: KubernetesNode | undefined): void {
    this.#seen = node === undefined ? "absent" : valuesOf(node);
    this.#sightings++;
    this.#changed.notify();
  }

  /** Nobody looks any more: what is seen next may be anything. */
  forget(): void {
    this.#seen = "unknown";
    this.#changed.notify();
  }

  /** Works until `signal` aborts, and then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    this.#seen = "awaited";
    try {
      while (!signal.aborted) {
        if (this.#isDue()) await this.#patch(signal);
        else await this.#changed.wait(signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #want(wanted: AnnotationValues): void {
    if (this.#wanted !== undefined && areSame(this.#wanted, wanted)) return;
    this.#wanted = wanted;
    this.#wantedVersion++;
    this.#backoff.reset();
    this.#published.notify();
    this.#changed.notify();
  }

  /** Whether there is something to write. Notes what stands there already. */
  #isDue(): boolean {
    if (this.#wanted === undefined || this.#seen === "awaited") return false;
    if (this.#seen === "absent") {
      // Nothing to take back, and nothing to write to.
      if (this.#wanted === NO_ANNOTATIONS) this.#accept(this.#wantedVersion);
      else this.#tellMissing();
      return false;
    }
    if (this.#seen === "unknown") return this.#acceptedVersion < this.#wantedVersion;
    if (!areSame(this.#seen, this.#wanted)) return true;
    this.#accept(this.#wantedVersion);
    return false;
  }

  async #patch(signal: AbortSignal): Promise<void> {
    const { nodes, nodeName, now, onError, onRetry } = this.#options;
    const isRepair = this.#acceptedVersion === this.#wantedVersion;
    if (isRepair && now() - this.#patchedAtMs < MAX_BACKOFF_MS) {
      // Somebody else writes there too: two that repair each other's work must not do it all the
      // time.
      await this.#pause(this.#backoff.next(), signal);
      if (!this.#isDue()) return;
    } else if (isRepair) this.#backoff.reset();
    const version = this.#wantedVersion;
    const sightings = this.#sightings;
    try {
      await nodes.annotate(nodeName, this.#wanted ?? NO_ANNOTATIONS, { signal });
      this.#patchedAtMs = now();
      if (!isRepair) this.#backoff.reset();
      // It is on its way to us: our change, or one that came before and made it so.
      if (this.#seen !== "unknown" && this.#sightings === sightings) this.#seen = "awaited";
      this.#accept(version);
    } catch (reason) {
      if (signal.aborted) throw reason;
      const error = isMissing(reason)
        ? this.#nodeMissing(reason)
        : toKubernetesError(nodes.source, reason);
      const delayMs = this.#backoff.next();
      onError(error);
      onRetry(error, delayMs);
      await this.#pause(delayMs, signal);
    }
  }

  /** Something new to write ends it early: a node that leaves does not wait for a minute. */
  #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    const { sleep } = this.#options;
    return untilFirstEnds(
      [(own) => sleep(delayMs, own), (own) => this.#published.wait(own)],
      signal,
    );
  }

  #tellMissing(): void {
    if (this.#isMissing) return;
    this.#isMissing = true;
    const error = this.#nodeMissing();
    this.#options.onError(error);
    this.#options.onMissing(error);
  }

  #accept(version: number): void {
    this.#isMissing = false;
    this.#options.onError(undefined);
    if (version === this.#acceptedVersion) return;
    this.#acceptedVersion = version;
    this.#accepted.notify();
  }

  #nodeMissing(cause?: unknown): DiscoveryError {
    const { nodes, nodeName } = this.#options;
    return new DiscoveryError(
      "ERR_KUBERNETES_NODE_MISSING",
      `${nodes.source} has no node ${JSON.stringify(nodeName)} yet: waiting for it`,
      { cause },
    );
  }
}

function valuesOf({ metadata: { annotations } }: KubernetesNode): AnnotationValues {
  return Object.fromEntries(
    NAMES.map((name) => [name, annotations?.[name] ?? null]),
  ) as AnnotationValues;
}

function areSame(a: AnnotationValues, b: AnnotationValues): boolean {
  return NAMES.every((name) => a[name] === b[name]);
}

function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === "ERR_KUBERNETES_NODE_MISSING";
}
