/**
 * Follows the nodes of an API server: a list, then what changes, and a list again only where the
 * server has forgotten what happened in between.
 * @module
 */

import { Backoff } from "../../async/backoff.ts";
import type { Sleep } from "../../async/timers.ts";
import { DiscoveryError } from "../../errors.ts";
import { toKubernetesError } from "./api-errors.ts";
import type { NodeApi, NodeListPage } from "./node-api.ts";
import type { KubernetesNode } from "./node-mapping.ts";

/** Nodes of one answer: each may take 30 kB, most of it names of images. */
const PAGE_NODES = 250;

/** A watch that the server ends sooner, and that has told nothing, is no working one. */
const MIN_WATCH_MS = 1000;

/** What becomes of what is seen. */
export interface NodeSight {
  /** A part of a list, which is complete with {@link listed}. A list may also end without. */
  page(nodes: readonly KubernetesNode[], isFirst: boolean): void;
  listed(): void;
  changed(node: KubernetesNode): void;
  deleted(node: KubernetesNode): void;
  /** What is known follows the server, until `failed`. */
  following(): void;
  failed(error: DiscoveryError, delayMs: number): void;
}

export interface NodeWatcherOptions {
  readonly nodes: NodeApi;
  readonly sight: NodeSight;
  readonly now: () => number;
  readonly random: () => number;
  readonly sleep: Sleep;
}

/** From one list or resume to the end of its watch. */
interface Attempt {
  hasListed: boolean;
  hasEvent: boolean;
  watchingSinceMs: number;
}

export class NodeWatcher {
  readonly #options: NodeWatcherOptions;
  readonly #backoff: Backoff;
  /** Up to which everything is known. */
  #resourceVersion: string | undefined;

  constructor(options: NodeWatcherOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
  }

  /** Follows until `signal` aborts, and then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    // A former run may have ended long ago; and whoever asks for our own node is told of it by a
    // list alone.
    this.#resourceVersion = undefined;
    while (!signal.aborted) {
      const attempt: Attempt = {
        hasListed: false,
        hasEvent: false,
        watchingSinceMs: Number.POSITIVE_INFINITY,
      };
      const failure = await this.#attempt(attempt, signal).catch((reason: unknown) => reason);
      if (signal.aborted) return;
      const delayMs = this.#delayAfter(failure, attempt);
      if (delayMs > 0) await this.#options.sleep(delayMs, signal).catch(() => {});
    }
  }

  async #attempt(attempt: Attempt, signal: AbortSignal): Promise<void> {
    const { nodes, sight, now } = this.#options;
    if (this.#resourceVersion === undefined) {
      this.#resourceVersion = await this.#list(signal);
      attempt.hasListed = true;
    }
    const events = await nodes.watch({ resourceVersion: this.#resourceVersion, signal });
    attempt.watchingSinceMs = now();
    sight.following();
    for await (const event of events) {
      if (event.kind === "set") sight.changed(event.node);
      else if (event.kind === "deleted") sight.deleted(event.node);
      this.#resourceVersion = event.resourceVersion;
      attempt.hasEvent = true;
    }
  }

  /** @returns Where a watch goes on. */
  async #list(signal: AbortSignal): Promise<string> {
    const { nodes, sight } = this.#options;
    let continueToken: string | undefined;
    for (;;) {
      let isFirst = continueToken === undefined;
      let page: NodeListPage;
      try {
        page = await nodes.list({ limit: PAGE_NODES, continueToken, signal });
      } catch (error) {
        if (isFirst || !isExpired(error)) throw error;
        // The server has forgotten the state of which the first pages were: everything again, in
        // one page.
        page = await nodes.list({ signal });
        isFirst = true;
      }
      sight.page(page.nodes, isFirst);
      continueToken = page.continueToken;
      if (continueToken === undefined) {
        sight.listed();
        return page.resourceVersion;
      }
    }
  }

  /**
   * A server ends its watches every few minutes, and forgets old versions: neither is a failure.
   */
  #delayAfter(failure: unknown, attempt: Attempt): number {
    const { nodes, sight, now } = this.#options;
    const hasWorked = attempt.hasEvent || now() - attempt.watchingSinceMs >= MIN_WATCH_MS;
    if (hasWorked) this.#backoff.reset();
    if (isExpired(failure)) {
      this.#resourceVersion = undefined;
      if (hasWorked || !attempt.hasListed) return 0;
    } else if (failure === undefined && hasWorked) return 0;
    const error = toKubernetesError(nodes.source, failure ?? endedAtOnce(nodes.source));
    const delayMs = this.#backoff.next();
    sight.failed(error, delayMs);
    return delayMs;
  }
}

function isExpired(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === "ERR_KUBERNETES_EXPIRED";
}

function endedAtOnce(source: string): DiscoveryError {
  return new DiscoveryError("ERR_KUBERNETES_UNAVAILABLE", `${source} ended the watch at once`);
}
