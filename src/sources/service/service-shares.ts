/**
 * What several services say of the same nodes, as one list: pure, and the same for the same
 * history.
 *
 * Each service's share is its list as last heard. Nodes register with all services, so that shares
 * mostly agree; where they do not, the data that changed last as seen from here counts. A change is
 * dated when a service tells of it. What is different in a snapshot changed while nobody looked: it
 * is dated when its service was last heard, or, where the same content was seen before, when that
 * was new. So a service that comes back, with old data or with the same, wins over nothing that was
 * newer.
 * @see docs/protocol.md, "What a client does", 6
 * @module
 */
import type { DiscoveredAffiliate } from "../../client/affiliate-change.ts";

/** How many contents of one node are remembered, to know an old one when it comes back. */
const REMEMBERED_CONTENTS = 8;

/** When a service's first snapshot is dated: nothing is known of its age. */
const BEFORE_FIRST_LOOK = 0;

/**
 * The same for a service that failed at first: others were watched meanwhile, and it may come back
 * with old data.
 */
const BEFORE_LATE_FIRST_LOOK = -1;

/** What one service lists, by node ID. Live: {@link ServiceShares} is told after each change. */
export type ServiceList = ReadonlyMap<string, DiscoveredAffiliate>;

/** Told of each change of the merged list. */
export interface MergedList {
  set(affiliate: DiscoveredAffiliate): void;
  delete(nodeId: string): void;
}

/** What one service says of one node. */
interface Content {
  /** Equal for equal data; endpoints are no part of it. */
  readonly text: string;
  /** On the clock of changes. */
  readonly changedAt: number;
}

/** What was heard of one node. */
interface NodeHistory {
  /** What each service says, by its number; absent for one that does not list the node. */
  readonly said: (Content | undefined)[];
  /** When each content was last new; what was listed last stands last. */
  readonly dates: Map<string, number>;
  /** What the merged list has. */
  listed: { readonly text: string; readonly endpoints: readonly string[] } | undefined;
}

interface Service {
  readonly list: ServiceList;
  /** `outdated`: lost for so long that nothing of its list can be alive any more. */
  phase: "unheard" | "connected" | "lost" | "outdated";
  /** What changed unseen, changed at this moment or later. */
  heardUntil: number;
}

/** Decides which service counts for each node, and keeps the merged list. */
export class ServiceShares {
  readonly #merged: MergedList;
  readonly #services: Service[] = [];
  /** By node ID: of every node that a service lists. */
  readonly #histories = new Map<string, NodeHistory>();
  /** How many changes were told. What changed unseen stands half a step behind the last one. */
  #clock = 0;

  constructor(merged: MergedList) {
    this.#merged = merged;
  }

  /**
   * Adds a service, of which nothing was heard. @returns Its number: of what is equally old, the
   * least one's counts.
   */
  add(list: ServiceList): number {
    return this.#services.push({ list, phase: "unheard", heardUntil: BEFORE_FIRST_LOOK }) - 1;
  }

  /** A service has sent a snapshot, or a further part of one: it is connected from now on. */
  connect(number: number): void {
    const service = this.#service(number);
    service.phase = "connected";
    for (const [nodeId, { said }] of this.#histories) {
      if (said[number] !== undefined && !service.list.has(nodeId)) this.#drop(number, nodeId);
    }
    for (const affiliate of service.list.values()) {
      this.#take(number, affiliate, (known) => known ?? service.heardUntil);
    }
    this.#mergeAll();
  }

  /** A connected service has told of a change of one node, or lists it no more. */
  change(number: number, nodeId: string): void {
    const affiliate = this.#service(number).list.get(nodeId);
    if (affiliate === undefined) this.#drop(number, nodeId);
    else this.#take(number, affiliate, () => ++this.#clock);
    this.#merge(nodeId);
  }

  /** A service cannot be reached, or no longer. @returns Whether it was connected until now. */
  lose(number: number): boolean {
    const wasConnected = this.#markLost(this.#service(number));
    if (wasConnected) this.#mergeAll();
    return wasConnected;
  }

  /** All services are lost at once. What is known stays: nobody is left to say otherwise. */
  loseAll(): void {
    for (const service of this.#services) this.#markLost(service);
  }

  /** @returns Whether it was connected until now. */
  #markLost(service: Service): boolean {
    if (service.phase === "unheard") service.heardUntil = BEFORE_LATE_FIRST_LOOK;
    if (service.phase !== "connected") return false;
    service.phase = "lost";
    service.heardUntil = this.#clock + 0.5;
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
    number: number,
    affiliate: DiscoveredAffiliate,
    dateOf: (known: number | undefined) => number,
  ): void {
    const { nodeId } = affiliate;
    let history = this.#histories.get(nodeId);
    if (history === undefined) {
      history = { said: [], dates: new Map(), listed: undefined };
      this.#histories.set(nodeId, history);
    }
    const text = textOf(affiliate);
    if (history.said[number]?.text === text) return;
    const changedAt = dateOf(history.dates.get(text));
    remember(history.dates, text, changedAt);
    history.said[number] = { text, changedAt };
  }

  #drop(number: number, nodeId: string): void {
    const history = this.#histories.get(nodeId);
    if (history === undefined) return;
    history.said[number] = undefined;
    if (history.said.every((content) => content === undefined)) history.dates.clear();
  }

  #mergeAll(): void {
    for (const nodeId of this.#histories.keys()) this.#merge(nodeId);
  }

  #merge(nodeId: string): void {
    const history = this.#histories.get(nodeId);
    // While no service can be asked, what is known stays.
    if (history === undefined || !this.#services.some(({ phase }) => phase === "connected")) return;
    const { said, listed } = history;
    if (!this.#services.some(({ phase }, i) => phase === "connected" && said[i] !== undefined)) {
      history.listed = undefined;
      if (said.every((content) => content === undefined)) this.#histories.delete(nodeId);
      if (listed !== undefined) this.#merged.delete(nodeId);
      return;
    }
    const shares = this.#services.flatMap(({ phase, list }, i) => {
      const [content, affiliate] = [said[i], list.get(nodeId)];
      const counts = phase !== "outdated" && content !== undefined && affiliate !== undefined;
      return counts ? [{ ...content, affiliate }] : [];
    });
    const { affiliate, text } = shares.reduce((newest, share) =>
      share.changedAt > newest.changedAt ? share : newest,
    );
    const endpoints = union(
      listed?.endpoints ?? [],
      shares.map((share) => share.affiliate.endpoints),
    );
    if (listed?.text === text && listed.endpoints === endpoints) return;
    history.listed = { text, endpoints };
    this.#merged.set({ ...affiliate, endpoints });
  }
}

function remember(dates: Map<string, number>, text: string, changedAt: number): void {
  dates.delete(text);
  dates.set(text, changedAt);
  for (const oldest of dates.keys()) {
    if (dates.size <= REMEMBERED_CONTENTS) break;
    dates.delete(oldest);
  }
}

/** Keys of opened data always stand in one order, so equal text is equal data. */
function textOf({ endpoints: _, ...data }: DiscoveredAffiliate): string {
  return JSON.stringify(data);
}

/**
 * All endpoints of `lists`, each once: those of `known` keep their places, so that a service that
 * comes back with another order changes nothing. `known` itself where that is all.
 */
function union(known: readonly string[], lists: readonly (readonly string[])[]): readonly string[] {
  const all = new Set(lists.flat());
  const kept = known.filter((endpoint) => all.has(endpoint));
  const isSame = kept.length === known.length && all.size === known.length;
  return isSame ? known : [...new Set([...kept, ...all])];
}
