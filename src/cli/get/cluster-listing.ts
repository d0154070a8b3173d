/**
 * What registries know, as they tell it: affiliates, raw affiliates, members.
 * @module
 */
import type { DiscoveryChange, DiscoveryState } from "../../discovery/index.ts";
import { quote } from "../../net/quote.ts";
import {
  AFFILIATES,
  type AffiliateSpec,
  MEMBERS,
  type MemberSpec,
  RAW_AFFILIATES,
  type Resource,
  type ResourceDefinition,
  type ResourceEvent,
} from "../../resources/index.ts";
import { compareIds } from "../../resources/versions.ts";
import { type ClusterAccess, registriesOf } from "../cluster/cluster-access.ts";
import { readClusterOnce, watchCluster } from "../cluster/cluster-discovery.ts";
import { counted } from "../text.ts";
import type { Listing } from "./listing.ts";

/** How many names a notice has; a cluster may have many whose nodes were all made anew. */
const MAX_SHOWN_NAMES = 3;

type Resources<Spec> = ReadonlyMap<string, Resource<Spec>>;

/** Lists affiliates as all registries together have them. */
export function affiliateListing(access: ClusterAccess): Listing<AffiliateSpec> {
  return clusterListing(AFFILIATES, access, ({ affiliates }) => affiliates);
}

/** Lists affiliates as each registry has them. */
export function rawAffiliateListing(access: ClusterAccess): Listing<AffiliateSpec> {
  return clusterListing(RAW_AFFILIATES, access, ({ rawAffiliates }) => rawAffiliates);
}

/**
 * Lists those with a node name. A name that several claim is told, since all but one of them are
 * not in the list.
 */
export function memberListing(access: ClusterAccess): Listing<MemberSpec> {
  const sharedNames = new SharedNames();
  return clusterListing(
    MEMBERS,
    access,
    ({ members }) => members,
    ({ affiliates }) => sharedNames.add(affiliates),
  );
}

/** What a change means to members: for a snapshot all of them, sorted by name. */
export function memberEvents(change: DiscoveryChange): readonly ResourceEvent<MemberSpec>[] {
  return eventsOf(MEMBERS, ({ members }) => members, change);
}

type Select<Spec> = (state: DiscoveryState) => Resources<Spec>;

/** Tells of names that are claimed by several, once for the same ones. */
export class SharedNames {
  #told = "";

  /** @returns A notice in one line, where there is something new to tell. */
  add(affiliates: ReadonlyMap<string, Resource<AffiliateSpec>>): string | undefined {
    const nodeIds = new Map<string, string[]>();
    for (const { spec } of affiliates.values()) {
      if (spec.nodename === "") continue;
      const sharing = nodeIds.get(spec.nodename);
      if (sharing === undefined) nodeIds.set(spec.nodename, [spec.nodeId]);
      else sharing.push(spec.nodeId);
    }
    const shared = [...nodeIds].filter(([, ids]) => ids.length > 1).sort();
    const notice = describe(shared.map(([name, ids]) => [name, ids.sort()]));
    const isNew = notice !== this.#told;
    this.#told = notice;
    return isNew && notice !== "" ? notice : undefined;
  }
}

function clusterListing<Spec extends AffiliateSpec | MemberSpec>(
  definition: ResourceDefinition<Spec>,
  access: ClusterAccess,
  select: Select<Spec>,
  noticeOf: (state: DiscoveryState) => string | undefined = () => undefined,
): Listing<Spec> {
  function look(state: DiscoveryState, onNotice: (line: string) => void): void {
    const notice = noticeOf(state);
    if (notice !== undefined) onNotice(notice);
  }
  return {
    definition,
    node: registriesOf(access),
    async read(options) {
      const state = await readClusterOnce(access, options);
      look(state, options.onNotice);
      return sorted(select(state));
    },
    async *watch(options) {
      for await (const change of watchCluster(access, options)) {
        if (change.kind !== "status") look(change.state, options.onNotice);
        const events = eventsOf(definition, select, change);
        if (change.kind === "snapshot" || events.length > 0) yield events;
      }
    },
  };
}

function eventsOf<Spec extends AffiliateSpec | MemberSpec>(
  definition: ResourceDefinition<Spec>,
  select: Select<Spec>,
  change: DiscoveryChange,
): readonly ResourceEvent<Spec>[] {
  switch (change.kind) {
    case "snapshot":
      return sorted(select(change.state)).map((resource) => ({ event: "created", resource }));
    case "changed":
      return change.events.filter((event): event is ResourceEvent<Spec> => {
        const { namespace, type } = event.resource.metadata;
        return namespace === definition.namespace && type === definition.type;
      });
    case "status":
      return [];
  }
}

function sorted<Spec>(resources: Resources<Spec>): Resource<Spec>[] {
  return [...resources.values()].sort(compareIds);
}

function describe(shared: readonly (readonly [string, readonly string[]])[]): string {
  if (shared.length === 0) return "";
  const names = shared
    .slice(0, MAX_SHOWN_NAMES)
    .map(
      ([name, ids]) => `${quote(name)} is the name of ${ids.length} nodes, listed is ${ids.at(-1)}`,
    );
  const rest = shared.length - names.length;
  return `${names.join("; ")}${rest > 0 ? `; and ${counted(rest, "more name")}` : ""}: get affiliates has all`;
}
