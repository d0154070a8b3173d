/**
 * What several services say of the same nodes, as one list: pure, and the same for the same history.
 *
 * Each service's share is its list as last heard. Nodes register with all services, so that shares mostly agree; where they
 * do not, the data that changed last as seen from here counts. A change is dated when a service tells of it. What is
 * different in a snapshot changed while nobody looked: it is dated when its service was last heard, or, where the same
 * content was seen before, when that was new. So a service that comes back, with old data or with the same, wins over
 * nothing that was newer.
 * @see docs/protocol.md, "What a client does", 6
 * @module
 */
import type { DiscoveredAffiliate } from "../../client/affiliate-change.ts";

/** How many contents of one node are remembered, to know an old one when it comes back. */
const REMEMBERED_CONTENTS = 8;

/** When a service's first snapshot is dated: nothing is known of its age. */
const BEFORE_FIRST_LOOK = 0;

/** The same for a service that failed at first: others were watched meanwhile, and it may come back with old data. */
const BEFORE_LATE_FIRST_LOOK = -1;

/** Told of each change of the merged list. */
export interface MergedList {
  set(affiliate: DiscoveredAffiliate): void;
  delete(nodeId: string): void;
}

/** One node, as one service lists it. */
interface Share {
  readonly affiliate: DiscoveredAffiliate;
  /** Equal for equal data; endpoints are no part of it. */
  readonly content: string;
  /** On the clock of changes. */
  readonly changedAt: number;
}

interface Service {
  readonly shares: Map<string, Share>;
  /** `outdated`: lost for so long that nothing of its list can be alive any more. */
  phase: "unheard" | "connected" | "lost" | "outdated";
  /** What changed unseen, changed at this moment or later. */
  heardUntil: number;
}

interface Merged {
  readonly affiliate: DiscoveredAffiliate;
  readonly content: string;
}

export class ServiceShares {
  readonly #list: MergedList;
  readonly #services: readonly Service[];
  readonly #merged = new Map<string, Merged>();
  /** By node ID: contents, and when each was last new; what was listed last stands last. */
  readonly #remembered = new Map<string, Map<string, number>>();
  /** How many changes were told. What changed unseen stands half a step behind the last one. */
  #clock = 0;

  /** @param serviceCount - They are numbered from 0; of what is equally old, the first service's counts. */
  constructor(serviceCount: number, list: MergedList) {
    this.#list = list;
    this.#services = Array.from({ length: serviceCount }, () => ({
      shares: new Map(),
      phase: "unheard",
      heardUntil: BEFORE_FIRST_LOOK,
    }));
  }

  /** Takes a snapshot of a service, which is connected from now on. Also for each further part of a snapshot. */
  connect(number: number, affiliates: ReadonlyMap<string, DiscoveredAffiliate>): void {
    const service = this.#service(number);
    service.phase = "connected";
    for (const nodeId of [...service.shares.keys()]) {
      if (!affiliates.has(nodeId)) this.#drop(service, nodeId);
    }
    for (const affiliate of affiliates.values()) {
      this.#take(service, affiliate, (known) => known ?? service.heardUntil);
    }
    this.#mergeAll();
  }

  /** Takes a change that a connected service told of; `undefined` when it lists the node no more. */
  change(number: number, nodeId: string, affiliate: DiscoveredAffiliate | undefined): void {
    const service = this.#service(number);
    if (affiliate === undefined) this.#drop(service, nodeId);
    else this.#take(service, affiliate, () => ++this.#clock);
    this.#merge(nodeId);
  }

  /** A service cannot be reached, or no longer. @returns Whether it was connected until now. */
  lose(number: number): boolean {
    const service = this.#service(number);
    if (service.phase === "unheard") service.heardUntil = BEFORE_LATE_FIRST_LOOK;
    if (service.phase !== "connected") return false;
    service.phase = "lost";
    service.heardUntil = this.#clock + 0.5;
    this.#mergeAll();
    return true;
  }

  /** A service was lost longer ago than anything it had may live unrefreshed. */
  outdate(number: number): void {
    const service = this.#service(number);
    if (service.phase !== "lost") return;
    service.phase = "outdated";
    this.#mergeAll();
  }

  #service(number: number): Service {
    const service = this.#services[number];
    if (service === undefined) throw new RangeError(`service: there is no number ${number}`);
    return service;
  }

  #take(
    service: Service,
    affiliate: DiscoveredAffiliate,
    dateOf: (known: number | undefined) => number,
  ): void {
    const { nodeId } = affiliate;
    const share = service.shares.get(nodeId);
    if (share?.affiliate === affiliate) return;
    const content = contentOf(affiliate);
    if (share?.content === content) {
      service.shares.set(nodeId, { ...share, affiliate });
      return;
    }
    const changedAt = dateOf(this.#remembered.get(nodeId)?.get(content));
    this.#remember(nodeId, content, changedAt);
    service.shares.set(nodeId, { affiliate, content, changedAt });
  }

  #remember(nodeId: string, content: string, changedAt: number): void {
    let contents = this.#remembered.get(nodeId);
    if (contents === undefined) {
      contents = new Map();
      this.#remembered.set(nodeId, contents);
    }
    contents.delete(content);
    contents.set(content, changedAt);
    for (const oldest of contents.keys()) {
      if (contents.size <= REMEMBERED_CONTENTS) break;
      contents.delete(oldest);
    }
  }

  #drop(service: Service, nodeId: string): void {
    service.shares.delete(nodeId);
    if (!this.#services.some(({ shares }) => shares.has(nodeId))) this.#remembered.delete(nodeId);
  }

  #mergeAll(): void {
    const nodeIds = new Set(this.#merged.keys());
    for (const { shares } of this.#services)
      for (const nodeId of shares.keys()) nodeIds.add(nodeId);
    for (const nodeId of nodeIds) this.#merge(nodeId);
  }

  #merge(nodeId: string): void {
    const connected = this.#services.filter(({ phase }) => phase === "connected");
    // While nobody can be asked, what is known stays.
    if (connected.length === 0) return;
    const merged = this.#merged.get(nodeId);
    if (!connected.some(({ shares }) => shares.has(nodeId))) {
      if (merged === undefined) return;
      this.#merged.delete(nodeId);
      this.#list.delete(nodeId);
      return;
    }
    const shares = this.#services
      .filter(({ phase }) => phase !== "outdated")
      .flatMap((service) => service.shares.get(nodeId) ?? []);
    const { affiliate, content } = shares.reduce((newest, share) =>
      share.changedAt > newest.changedAt ? share : newest,
    );
    const endpoints = union(
      merged?.affiliate.endpoints ?? [],
      shares.map((share) => share.affiliate.endpoints),
    );
    if (merged?.content === content && merged.affiliate.endpoints === endpoints) return;
    const next = { affiliate: { ...affiliate, endpoints }, content };
    this.#merged.set(nodeId, next);
    this.#list.set(next.affiliate);
  }
}

/** Keys of opened data always stand in one order, so equal text is equal data. */
function contentOf({ endpoints: _, ...data }: DiscoveredAffiliate): string {
  return JSON.stringify(data);
}

/**
 * All endpoints of `lists`, each once: those of `known` keep their places, so that a service that comes back with another
 * order changes nothing. `known` itself where that is all.
 */
function union(known: readonly string[], lists: readonly (readonly string[])[]): readonly string[] {
  const all = new Set(lists.flat());
  const kept = known.filter((endpoint) => all.has(endpoint));
  const isSame = kept.length === known.length && all.size === known.length;
  return isSame ? known : [...new Set([...kept, ...all])];
}
