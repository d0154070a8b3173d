/**
 * What all registries know, merged: raw affiliates, affiliates and members, kept up to date one
 * node at a time; and those who follow it.
 * @module
 */
import { ChangeFeed, FeedReaders, type TakeUnread } from "../async/change-feed.ts";
import type { SignalOptions } from "../async/waits.ts";
import type { AffiliateSpec } from "../resources/affiliate.ts";
import { AFFILIATES, MEMBERS, RAW_AFFILIATES } from "../resources/definitions.ts";
import { type MemberSpec, memberOf } from "../resources/member.ts";
import { mergeShares } from "../resources/merge.ts";
import type { ResourceEvent } from "../resources/resource.ts";
import { compareIds, ResourceView } from "../resources/versions.ts";
import type { RegistryStatus } from "../sources/discovery-registry.ts";
import type { DiscoveryChange, DiscoveryState } from "./discovery-change.ts";

/** A change costs about the merge of that one node, however large the cluster is. */
export class MergedCluster {
  /** Of all views together. */
  readonly #readers: FeedReaders = new FeedReaders();
  readonly rawAffiliates: ResourceView<AffiliateSpec> = new ResourceView(
    RAW_AFFILIATES,
    {},
    new ChangeFeed(this.#readers),
  );
  readonly affiliates: ResourceView<AffiliateSpec> = new ResourceView(
    AFFILIATES,
    {},
    new ChangeFeed(this.#readers),
  );
  readonly members: ResourceView<MemberSpec> = new ResourceView(
    MEMBERS,
    {},
    new ChangeFeed(this.#readers),
  );
  readonly state: DiscoveryState = {
    affiliates: this.affiliates.resources,
    rawAffiliates: this.rawAffiliates.resources,
    members: this.members.resources,
  };
  readonly #statuses = new Map<string, RegistryStatus>();
  readonly #prefixes: readonly string[];
  readonly #localId: string | undefined;
  /** Node IDs by the node name that they claim. */
  readonly #claims = new Map<string, Set<string>>();
  /** Node IDs that each registry has. */
  readonly #shares = new Map<string, Set<string>>();
  #local: AffiliateSpec | undefined;

  /**
   * @param names - Of the registries.
   * @param localId - Of the node that no registry is asked about.
   */
  constructor(names: readonly string[], localId: string | undefined) {
    this.#prefixes = names.map((name) => `${name}/`).sort();
    this.#localId = localId;
  }

  /** Where each registry stands, by name. Live. */
  get statuses(): ReadonlyMap<string, RegistryStatus> {
    return this.#statuses;
  }

  setStatus(name: string, status: RegistryStatus): void {
    this.#statuses.set(name, status);
    this.#readers.wake();
  }

  /** Lets readers have their snapshot. Later calls do nothing. */
  start(): void {
    this.#readers.start();
  }

  /**
   * First a snapshot, when {@link start} was called, then what changed, as events; each status at
   * any time. Ends when `signal` aborts.
   */
  watch(options?: SignalOptions): AsyncGenerator<DiscoveryChange, void, undefined> {
    const { rawAffiliates, affiliates, members, state } = this;
    const told = new Map<string, RegistryStatus>();
    return this.#readers.watch<DiscoveryChange>(
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

  /**
   * @param atMs - When it happened, in ms since 1970; absent for what may have been so for long.
   */
  setLocal(affiliate: AffiliateSpec | undefined, atMs: number): void {
    this.#local = affiliate;
    if (this.#localId !== undefined) this.#refresh(this.#localId, atMs);
  }

  /** Takes these for all that a registry has. */
  replaceShare(name: string, affiliates: readonly AffiliateSpec[], atMs: number | undefined): void {
    const next = new Map(affiliates.map((affiliate) => [affiliate.nodeId, affiliate]));
    for (const nodeId of [...(this.#shares.get(name) ?? [])]) {
      if (!next.has(nodeId)) this.deleteShare(name, nodeId, atMs);
    }
    for (const affiliate of next.values()) this.setShare(name, affiliate, atMs);
  }

  setShare(name: string, affiliate: AffiliateSpec, atMs: number | undefined): void {
    const { nodeId } = affiliate;
    if (nodeId === this.#localId) return;
    addTo(this.#shares, name, nodeId);
    if (this.#set(this.rawAffiliates, `${name}/${nodeId}`, affiliate, atMs)) {
      this.#refresh(nodeId, atMs);
    }
  }

  deleteShare(name: string, nodeId: string, atMs: number | undefined): void {
    removeFrom(this.#shares, name, nodeId);
    if (this.#set(this.rawAffiliates, `${name}/${nodeId}`, undefined, atMs)) {
      this.#refresh(nodeId, atMs);
    }
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

  #refresh(nodeId: string, atMs: number | undefined): void {
    const nameBefore = this.affiliates.resources.get(nodeId)?.spec.nodename ?? "";
    const spec = nodeId === this.#localId ? this.#local : this.#mergeOf(nodeId);
    if (!this.#set(this.affiliates, nodeId, spec, atMs)) return;
    const name = spec?.nodename ?? "";
    if (nameBefore !== name) {
      removeFrom(this.#claims, nameBefore, nodeId);
      this.#refreshMember(nameBefore, atMs);
      if (name !== "") addTo(this.#claims, name, nodeId);
    }
    this.#refreshMember(name, atMs);
  }

  #mergeOf(nodeId: string): AffiliateSpec | undefined {
    const [first, ...later] = this.#prefixes
      .map((prefix) => this.rawAffiliates.resources.get(prefix + nodeId)?.spec)
      .filter((spec) => spec !== undefined);
    return first && mergeShares(first, later);
  }

  /** As `membersOf` decides: of several that claim a name, the greatest node ID has it. */
  #refreshMember(name: string, atMs: number | undefined): void {
    if (name === "") return;
    let holder: string | undefined;
    for (const nodeId of this.#claims.get(name) ?? []) {
      if (holder === undefined || holder < nodeId) holder = nodeId;
    }
    const affiliate = holder === undefined ? undefined : this.affiliates.resources.get(holder);
    this.#set(this.members, name, affiliate && memberOf(affiliate.spec), atMs);
  }

  /** @returns Whether that was a change. */
  #set<Spec extends AffiliateSpec | MemberSpec>(
    view: ResourceView<Spec>,
    id: string,
    spec: Spec | undefined,
    atMs: number | undefined,
  ): boolean {
    const event = spec === undefined ? view.delete(id) : view.set(id, spec, atMs);
    return event !== undefined;
  }
}

function addTo(sets: Map<string, Set<string>>, key: string, item: string): void {
  const known = sets.get(key);
  if (known === undefined) sets.set(key, new Set([item]));
  else known.add(item);
}

function removeFrom(sets: Map<string, Set<string>>, key: string, item: string): void {
  const known = sets.get(key);
  known?.delete(item);
  if (known?.size === 0) sets.delete(key);
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
