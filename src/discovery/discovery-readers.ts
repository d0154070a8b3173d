/**
 * Who is told of discovery's changes.
 *
 * A reader holds what it was last told of each resource that changed since, not a queue of changes: its memory is bounded by
 * the cluster, however slow it is, and it is told the latest state of each.
 * @module
 */
import type { AffiliateSpec, MemberSpec, RegistryStatus } from "../resources/index.ts";
import type { ResourceEvent } from "../resources/resource.ts";
import { compareIds } from "../resources/versions.ts";
import { Wakeup } from "../waiting/waits.ts";
import type { DiscoveryChange } from "./discovery-change.ts";
import { type ClusterResource, type ClusterView, MergedCluster } from "./merged-cluster.ts";

interface Reader {
  /** What each changed resource was when this reader was last told; `undefined` for one that it does not know. */
  readonly before: Map<ClusterView, Map<string, ClusterResource | undefined>>;
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
      for (const reader of this.#readers) mark(reader, view, id, before);
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
      before: new Map([rawAffiliates, affiliates, members].map((view) => [view, new Map()])),
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
    const events = [...reader.before].flatMap(([view, before]) => takeEvents(view, before));
    return events.length === 0 ? undefined : { kind: "changed", state, events };
  }

  #wakeAll(): void {
    for (const reader of this.#readers) reader.wakeup.notify();
  }
}

function mark(
  reader: Reader,
  view: ClusterView,
  id: string,
  before: ClusterResource | undefined,
): void {
  const changed = reader.before.get(view);
  if (!reader.hasSnapshot || changed === undefined) return;
  if (!changed.has(id)) changed.set(id, before);
  // Came and went unseen: nothing to tell.
  else if (changed.get(id) === undefined && !view.resources.has(id)) changed.delete(id);
  reader.wakeup.notify();
}

function takeEvents(
  view: ClusterView,
  changed: Map<string, ClusterResource | undefined>,
): ResourceEvent<AffiliateSpec | MemberSpec>[] {
  const events: ResourceEvent<AffiliateSpec | MemberSpec>[] = [];
  for (const [id, before] of changed) {
    const resource: ClusterResource | undefined = view.resources.get(id);
    if (resource === undefined) {
      if (before !== undefined) events.push({ event: "destroyed", resource: before });
    } else events.push({ event: before === undefined ? "created" : "updated", resource });
  }
  changed.clear();
  return events.sort((a, b) => compareIds(a.resource, b.resource));
}
