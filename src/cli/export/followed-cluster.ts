/**
 * A cluster for who replaces something by what it reads: never by less than is known, because a
 * registry is down.
 * @module
 */
import { sleep } from "../../async/timers.ts";
import type { DiscoveryChange } from "../../discovery/index.ts";
import { MAX_TTL_MS } from "../../protocol/limits.ts";
import type { ClusterAccess } from "../cluster/cluster-access.ts";
import { runCluster, settled, type WatchClusterOptions } from "../cluster/cluster-discovery.ts";
import type { ExportedState } from "./member-selection.ts";

/** How long registries that do not answer keep the others waiting. */
const PATIENCE_MS = 10_000;

/**
 * A service that comes back without what it knew is empty at first. Clients of the reference try
 * again after 60 s and half as much more, at the most.
 */
const RETURN_MS = 90_000;

/** A node that is alive publishes itself anew in this time, also where it has noticed nothing. */
const REFRESH_MS = MAX_TTL_MS / 2;

/**
 * Follows a cluster until `signal` aborts or the loop is left; both free everything. Registries
 * that fail are notices, and what they had told stays, also for a while after they have come back
 * without it.
 *
 * The first state comes when every registry has answered or failed, and not while nothing that is
 * there opens with the secret: a wrong secret is no empty cluster. A slow reader gets the latest
 * state.
 */
export function followCluster(
  access: ClusterAccess,
  { signal, onNotice }: WatchClusterOptions,
): AsyncGenerator<ExportedState, void, undefined> {
  return runCluster(access, { onNotice }, async function* ({ discovery, drops, tellDrops }) {
    const settling = settled(discovery, PATIENCE_MS, signal);
    const absent = new AbsentNodes();
    let hasState = false;
    let isUsable = false;
    const changes = discovery.watch({ signal });
    for await (const change of withTimer(changes, () => absent.waitMs(performance.now()))) {
      if (change?.kind === "status") {
        if (change.status.phase === "connected") absent.onReturn(performance.now());
        continue;
      }
      await settling;
      const { state } = discovery;
      const dropped = drops.summary(state.affiliates.size);
      if (!hasState && dropped !== undefined) onNotice(dropped);
      hasState = true;
      tellDrops();
      isUsable ||= state.affiliates.size > 0 || dropped === undefined;
      if (isUsable && !signal.aborted) yield absent.complete(state, performance.now());
    }
  });
}

/**
 * The changes, and `undefined` when the time is up that `waitMs` had given last, where it had given
 * one.
 */
async function* withTimer(
  changes: AsyncGenerator<DiscoveryChange, void, undefined>,
  waitMs: () => number | undefined,
): AsyncGenerator<DiscoveryChange | undefined, void, undefined> {
  let next = changes.next();
  try {
    for (;;) {
      const timer = new AbortController();
      const ms = waitMs();
      const first = await Promise.race([
        next,
        ...(ms !== undefined ? [sleep(ms, timer.signal).then(() => undefined)] : []),
      ]);
      timer.abort();
      if (first?.done) return;
      yield first?.value;
      if (first !== undefined) next = changes.next();
    }
  } finally {
    // Not awaited: where the next change is under way, it ends with the signal of `changes` alone.
    void changes.return();
  }
}

/** What is known, completed by what was known, for a while after a registry came back. */
export class AbsentNodes {
  #last: ExportedState | undefined;
  #untilMs = 0;
  /** By node ID: when those that are waited for were first missing. */
  #missingSince: ReadonlyMap<string, number> = new Map();

  /** A registry is there again that had not been. */
  onReturn(nowMs: number): void {
    if (this.#last !== undefined) this.#untilMs = nowMs + RETURN_MS;
  }

  /**
   * When to look again, as one of the absent nodes is then waited for no longer; `undefined` where
   * none are.
   */
  waitMs(nowMs: number): number | undefined {
    if (this.#missingSince.size === 0) return undefined;
    const ends = Array.from(this.#missingSince.values(), (sinceMs) => this.#endOf(sinceMs));
    return Math.max(0, Math.min(...ends) - nowMs);
  }

  /**
   * Takes what is known now.
   *
   * @param state - Live; what comes back is not.
   * @returns The same, with nodes of the last time that are missing and waited for. One with a new
   *   name has the new name.
   */
  complete({ affiliates, members }: ExportedState, nowMs: number): ExportedState {
    const missing = new Map<string, number>();
    for (const nodeId of this.#last?.affiliates.keys() ?? []) {
      const sinceMs = this.#missingSince.get(nodeId) ?? nowMs;
      if (!affiliates.has(nodeId) && nowMs < this.#endOf(sinceMs)) missing.set(nodeId, sinceMs);
    }
    const all: ExportedState = {
      affiliates: new Map([
        ...[...(this.#last?.affiliates ?? [])].filter(([nodeId]) => missing.has(nodeId)),
        ...affiliates,
      ]),
      members: new Map([
        ...[...(this.#last?.members ?? [])].filter(([, { spec }]) => missing.has(spec.nodeId)),
        ...members,
      ]),
    };
    this.#last = all;
    this.#missingSince = missing;
    return all;
  }

  /**
   * A service that comes back again and again, as behind a proxy that cuts quiet streams, keeps no
   * node for ever.
   */
  #endOf(missingSinceMs: number): number {
    return Math.min(this.#untilMs, missingSinceMs + REFRESH_MS);
  }
}
