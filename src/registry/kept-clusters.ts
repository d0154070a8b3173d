/**
 * What a registry in memory has to save, read while it goes on.
 * @module
 */
import { expire } from "./affiliate-state.ts";
import type { Cluster } from "./cluster.ts";
import { type JournalAffiliate, type JournalCluster, toJournalAffiliate } from "./journal.ts";

/**
 * All clusters and affiliates that are alive when their turn has come, each cluster once.
 *
 * @param now - In ms of the registry's clock.
 */
export function* keptClusters(
  clusters: ReadonlyMap<string, Cluster>,
  now: () => number,
): Iterable<JournalCluster> {
  // By name: one that goes and comes back while this is read would come twice in the order of the map.
  for (const id of [...clusters.keys()]) {
    const cluster = clusters.get(id);
    if (cluster === undefined) continue;
    const instant = now();
    const affiliates: JournalAffiliate[] = [];
    for (const { state } of cluster.affiliates()) {
      const alive = expire(state, instant);
      if (alive !== null) affiliates.push(toJournalAffiliate(alive, instant));
    }
    if (affiliates.length > 0) yield { id, affiliates };
  }
}
