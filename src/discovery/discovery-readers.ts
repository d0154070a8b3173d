/**
 * Who is told of discovery's changes.
 * @module
 */

import { UnreadChanges } from "../async/unread-changes.ts";
import { Wakeup } from "../async/waits.ts";
import type { AffiliateSpec, MemberSpec } from "../resources/index.ts";
import type { ResourceEvent } from "../resources/resource.ts";
import { compareIds } from "../resources/versions.ts";
import type { RegistryStatus } from "../sources/discovery-registry.ts";
import type { DiscoveryChange } from "./discovery-change.ts";
import { type ClusterResource, type ClusterView, MergedCluster } from "./merged-cluster.ts";

interface Reader {
  readonly unread: ReadonlyMap<ClusterView, UnreadChanges<ClusterResource>>;
  readonly toldStatuses: Map<string, RegistryStatus>;
  readonly wakeup: Wakeup;
  hasSnapshot: boolean;
}

/** The merged cluster, the statuses of its registries, and those who follow both. */
export class DiscoveryReaders {
  readonly cluster: MergedCluster;
  readonly #statuses = new Map<string, RegistryStatus>();
  readonly #readers = new Set<Reader>();
  #isStarted = false;

  constructor(names: readonly string[], localId: string | undefined) {
    this.cluster = new MergedCluster(names, localId, (view, id, before) => {
      for (const { unread, hasSnapshot, wakeup } of this.#readers) {
        if (!hasSnapshot) continue;
        unread.get(view)?.mark(id, before, view.resources.get(id));
        wakeup.notify();
      }
    });
  }

  /** Where each registry stands, by name. Live. */
  get statuses(): ReadonlyMap<string, RegistryStatus> {
    return this.#statuses;
  }

  setStatus(name: string, status: RegistryStatus): void {
    this.#statuses.set(name, status);
    this.#wakeAll();
  }

  /** Lets readers have their snapshot. Later calls do nothing. */
  start(): void {
    this.#isStarted = true;
    this.#wakeAll();
  }

  /** Ends when `signal` aborts. */
  async *watch(signal: AbortSignal): AsyncGenerator<DiscoveryChange, void, undefined> {
    const { rawAffiliates, affiliates, members } = this.cluster;
    const reader: Reader = {
      unread: new Map(
        [rawAffiliates, affiliates, members].map((view) => [view, new UnreadChanges()]),
      ),
      toldStatuses: new Map(),
      wakeup: new Wakeup(),
      hasSnapshot: false,
    };
    this.#readers.add(reader);
    try {
      while (!signal.aborted) {
        const change = this.#next(reader);
        if (change === undefined) await reader.wakeup.wait(signal);
        else yield change;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#readers.delete(reader);
    }
  }

  #next(reader: Reader): DiscoveryChange | undefined {
    for (const [registry, status] of this.#statuses) {
      if (reader.toldStatuses.get(registry) === status) continue;
      reader.toldStatuses.set(registry, status);
      return { kind: "status", registry, status };
    }
    const { state } = this.cluster;
    if (!reader.hasSnapshot) {
      if (!this.#isStarted) return undefined;
      reader.hasSnapshot = true;
      return { kind: "snapshot", state };
    }
    const events = [...reader.unread].flatMap(([view, unread]) => takeEvents(view, unread));
    return events.length === 0 ? undefined : { kind: "changed", state, events };
  }

  #wakeAll(): void {
    for (const reader of this.#readers) reader.wakeup.notify();
  }
}

function takeEvents(
  view: ClusterView,
  unread: UnreadChanges<ClusterResource>,
): ResourceEvent<AffiliateSpec | MemberSpec>[] {
  const events: ResourceEvent<AffiliateSpec | MemberSpec>[] = [];
  for (const [id, before] of unread.take()) {
    const resource: ClusterResource | undefined = view.resources.get(id);
    if (resource === undefined) {
      if (before !== undefined) events.push({ event: "destroyed", resource: before });
    } else events.push({ event: before === undefined ? "created" : "updated", resource });
  }
  return events.sort((a, b) => compareIds(a.resource, b.resource));
}
