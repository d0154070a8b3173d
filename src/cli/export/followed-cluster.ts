/**
 * A cluster for who replaces something by what it reads: never by less than is known, because a registry is down.
 * @module
 */

import { sleep } from "../../async/timers.ts";
import type { DiscoveryChange } from "../../discovery/index.ts";
import type { ClusterAccess } from "../cluster/cluster-access.ts";
import { runCluster, settled, type WatchClusterOptions } from "../cluster/cluster-discovery.ts";
import { AbsentNodes } from "./absent-nodes.ts";
import type { ExportedState } from "./member-selection.ts";

/** How long registries that do not answer keep the others waiting. */
const PATIENCE_MS = 10_000;

/**
 * Follows a cluster until `signal` aborts or the loop is left; both free everything. Registries that fail are notices, and
 * what they had told stays, also for a while after they have come back without it.
 *
 * The first state comes when every registry has answered or failed, and not while nothing that is there opens with the
 * secret: a wrong secret is no empty cluster. A slow reader gets the latest state.
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

/** The changes, and `undefined` when the time is up that `waitMs` had given last, where it had given one. */
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
