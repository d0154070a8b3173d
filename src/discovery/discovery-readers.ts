/**
 * The merged cluster, the statuses of its registries, and those who follow both.
 * @module
 */
import type { TakeUnread } from "../async/change-feed.ts";
import type { SignalOptions } from "../async/waits.ts";
import type { ResourceEvent } from "../resources/resource.ts";
import { compareIds, type ResourceView } from "../resources/versions.ts";
import type { RegistryStatus } from "../sources/discovery-registry.ts";
import type { DiscoveryChange } from "./discovery-change.ts";
import { MergedCluster } from "./merged-cluster.ts";

/** What is known of a cluster, and any number of readers of it. */
export class DiscoveryReaders {
  readonly cluster: MergedCluster;
  readonly #statuses = new Map<string, RegistryStatus>();

  constructor(names: readonly string[], localId: string | undefined) {
    this.cluster = new MergedCluster(names, localId);
  }

  /** Where each registry stands, by name. Live. */
  get statuses(): ReadonlyMap<string, RegistryStatus> {
    return this.#statuses;
  }

  setStatus(name: string, status: RegistryStatus): void {
    this.#statuses.set(name, status);
    this.cluster.readers.wake();
  }

  /** Lets readers have their snapshot. Later calls do nothing. */
  start(): void {
    this.cluster.readers.start();
  }

  /** Ends when `signal` aborts. */
  watch(options?: SignalOptions): AsyncGenerator<DiscoveryChange, void, undefined> {
    const { rawAffiliates, affiliates, members, readers, state } = this.cluster;
    const told = new Map<string, RegistryStatus>();
    return readers.watch<DiscoveryChange>(
      {
        news: () => this.#nextStatus(told),
        snapshot: () => ({ kind: "snapshot", state }),
        changes: (take) => {
          const events = [
            ...takeEvents(rawAffiliates, take),
            ...takeEvents(affiliates, take),
            ...takeEvents(members, take),
          ];
          return events.length === 0 ? undefined : { kind: "changed", state, events };
        },
      },
      options,
    );
  }

  /** The first that is another than in `told`, which has it then. */
  #nextStatus(told: Map<string, RegistryStatus>): DiscoveryChange | undefined {
    for (const [registry, status] of this.#statuses) {
      if (told.get(registry) === status) continue;
      told.set(registry, status);
      return { kind: "status", registry, status };
    }
    return undefined;
  }
}

function takeEvents<Spec extends object>(
  { feed, resources }: ResourceView<Spec>,
  take: TakeUnread,
): ResourceEvent<Spec>[] {
  const events: ResourceEvent<Spec>[] = [];
  for (const [id, before] of take(feed)) {
    const resource = resources.get(id);
    if (resource === undefined) {
      if (before !== undefined) events.push({ event: "destroyed", resource: before });
    } else events.push({ event: before === undefined ? "created" : "updated", resource });
  }
  return events.sort((a, b) => compareIds(a.resource, b.resource));
}
