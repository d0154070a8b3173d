import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DiscoveredAffiliate } from "../../../../src/client/index.ts";
import { ServiceShares } from "../../../../src/sources/service/service-shares.ts";
import { affiliateOf, type HistoryStep, naiveAnswer, type Said } from "./naive-service-shares.ts";

const NODES = ["a", "b", "c"];

/** Shares of some services, and what is told of their merged list. */
class Merging {
  readonly known = new Map<string, DiscoveredAffiliate>();
  /** One line for each change that was told. */
  readonly told: string[] = [];
  readonly shares: ServiceShares;
  readonly #lists: readonly Map<string, DiscoveredAffiliate>[];

  constructor(serviceCount: number) {
    this.#lists = Array.from({ length: serviceCount }, () => new Map());
    this.shares = new ServiceShares({
      set: (affiliate) => {
        this.known.set(affiliate.nodeId, affiliate);
        this.told.push(`${affiliate.nodeId}=${affiliate.hostname}`);
      },
      delete: (nodeId) => {
        this.known.delete(nodeId);
        this.told.push(`-${nodeId}`);
      },
    });
    for (const list of this.#lists) this.shares.add(list);
  }

  take(step: HistoryStep): void {
    switch (step.kind) {
      case "connect":
        this.connect(step.service, step.list);
        break;
      case "change":
        this.change(step.service, step.nodeId, step.said);
        break;
      case "lose":
        this.shares.lose(step.service);
        break;
      case "outdate":
        this.shares.outdate(step.service);
    }
  }

  connect(service: number, list: ReadonlyMap<string, Said>): void {
    const known = this.#lists[service];
    known?.clear();
    for (const [nodeId, said] of list) known?.set(nodeId, affiliateOf(nodeId, said));
    this.shares.connect(service);
  }

  change(service: number, nodeId: string, said: Said | undefined): void {
    if (said === undefined) this.#lists[service]?.delete(nodeId);
    else this.#lists[service]?.set(nodeId, affiliateOf(nodeId, said));
    this.shares.change(service, nodeId);
  }

  /** A service lists node `a` with this content, or not at all. */
  lists(service: number, content?: string): void {
    this.connect(service, new Map(content === undefined ? [] : [["a", said(content)]]));
  }

  changes(service: number, content: string): void {
    this.change(service, "a", said(content));
  }

  /** What is known of node `a`. */
  get content(): string | undefined {
    return this.known.get("a")?.hostname;
  }
}

function said(content: string, ...endpoints: string[]): Said {
  return { content, endpoints };
}

describe("what several services say", () => {
  test("is the union of what they list", () => {
    const merging = new Merging(2);
    merging.connect(0, new Map([["a", said("a", "1.1.1.1:1", "2.2.2.2:2")]]));
    merging.connect(
      1,
      new Map([
        ["a", said("a", "3.3.3.3:3", "1.1.1.1:1")],
        ["b", said("b")],
      ]),
    );
    expect([...merging.known.keys()]).toEqual(["a", "b"]);
    expect(merging.known.get("a")?.endpoints).toEqual(["1.1.1.1:1", "2.2.2.2:2", "3.3.3.3:3"]);
  });

  test("has the data of the service that changed it last", () => {
    const merging = new Merging(2);
    merging.lists(0, "old");
    merging.lists(1, "old");
    merging.changes(1, "new");
    expect(merging.content).toBe("new");
    merging.changes(0, "newer");
    expect(merging.content).toBe("newer");
    expect(merging.told).toEqual(["a=old", "a=new", "a=newer"]);
  });

  test("keeps its choice when a service tells of other endpoints only", () => {
    const merging = new Merging(2);
    merging.lists(0, "old");
    merging.lists(1, "old");
    merging.changes(1, "new");
    merging.change(0, "a", said("old", "1.1.1.1:1"));
    expect(merging.known.get("a")).toMatchObject({ hostname: "new", endpoints: ["1.1.1.1:1"] });
  });

  test("which differ from the start is what the first of them says, whichever answers first", () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const merging = new Merging(2);
      for (const service of order) merging.lists(service, `of ${service}`);
      expect(merging.content).toBe("of 0");
    }
  });

  test("which was down at the start does not win over one that was up", () => {
    const merging = new Merging(2);
    merging.shares.lose(0);
    merging.lists(1, "new");
    merging.lists(0, "old");
    expect(merging.content).toBe("new");
  });

  test("loses an affiliate when no connected service lists it, and no earlier", () => {
    const merging = new Merging(2);
    merging.lists(0, "a");
    merging.lists(1, "a");
    merging.change(0, "a", undefined);
    expect(merging.content).toBe("a");
    merging.change(1, "a", undefined);
    expect(merging.told).toEqual(["a=a", "-a"]);
  });

  test("loses what only a lost service lists while another is connected", () => {
    const merging = new Merging(2);
    merging.lists(0, "a");
    merging.lists(1);
    merging.shares.lose(0);
    expect(merging.content).toBeUndefined();
    merging.lists(0, "a");
    expect(merging.told).toEqual(["a=a", "-a", "a=a"]);
  });

  test("stays while none is connected", () => {
    const merging = new Merging(2);
    merging.lists(0, "a");
    merging.lists(1, "a");
    merging.shares.lose(0);
    merging.shares.lose(1);
    merging.shares.outdate(0);
    merging.shares.outdate(1);
    expect(merging.told).toEqual(["a=a"]);
  });
});

describe("a service that comes back", () => {
  test("with the same data changes nothing, in whatever order its endpoints stand", () => {
    const merging = new Merging(2);
    const list = new Map([["a", said("a", "1.1.1.1:1", "2.2.2.2:2")]]);
    merging.connect(0, list);
    merging.connect(1, list);
    merging.changes(1, "new");
    merging.told.length = 0;
    for (const service of [0, 1]) {
      merging.shares.lose(service);
      const again = service === 0 ? said("a", "2.2.2.2:2", "1.1.1.1:1") : said("new");
      merging.connect(service, new Map([["a", again]]));
    }
    expect(merging.told).toEqual([]);
  });

  test("with the data it had does not win over what changed meanwhile", () => {
    const merging = new Merging(2);
    merging.lists(0, "old");
    merging.lists(1, "old");
    merging.shares.lose(0);
    merging.changes(1, "new");
    merging.lists(0, "old");
    expect(merging.content).toBe("new");
  });

  test("with data that it had long ago, from an old snapshot file, does not win", () => {
    const merging = new Merging(2);
    merging.lists(0, "older");
    merging.lists(1, "older");
    for (const content of ["old", "new"]) {
      for (const service of [0, 1]) merging.changes(service, content);
    }
    merging.shares.lose(0);
    merging.lists(0, "older");
    expect(merging.content).toBe("new");
  });

  test("with data that nobody had before wins over what was known when it was lost", () => {
    const merging = new Merging(2);
    merging.lists(0, "old");
    merging.lists(1, "old");
    merging.shares.lose(0);
    merging.shares.lose(1);
    // After a suspend: the first to answer knows what has changed, and the other stays away.
    merging.lists(0, "new");
    expect(merging.content).toBe("new");
  });

  test("with nothing, because it has forgotten all, loses nobody whom another lists", () => {
    const merging = new Merging(2);
    merging.lists(0, "a");
    merging.lists(1, "a");
    merging.shares.lose(1);
    merging.lists(1);
    merging.changes(1, "a");
    expect(merging.told).toEqual(["a=a"]);
  });
});

describe("a lost service", () => {
  test("is believed for what it said last, until nothing of it can be alive", () => {
    const merging = new Merging(2);
    merging.lists(0, "old");
    merging.connect(1, new Map([["a", said("old", "1.1.1.1:1")]]));
    merging.change(1, "a", said("new", "1.1.1.1:1"));
    merging.shares.lose(1);
    expect(merging.known.get("a")).toMatchObject({ hostname: "new", endpoints: ["1.1.1.1:1"] });
    merging.shares.outdate(1);
    expect(merging.known.get("a")).toMatchObject({ hostname: "old", endpoints: [] });
  });
});

describe("any history of several services", () => {
  const service = fc.nat({ max: 2 });
  const anySaid = fc.record({
    content: fc.constantFrom("x", "y", "z"),
    endpoints: fc.uniqueArray(fc.constantFrom("1.1.1.1:1", "2.2.2.2:2", "3.3.3.3:3")),
  });
  const anyList = fc
    .uniqueArray(fc.tuple(fc.constantFrom(...NODES), anySaid), { selector: ([nodeId]) => nodeId })
    .map((entries) => new Map(entries));
  const anyStep: fc.Arbitrary<HistoryStep> = fc.oneof(
    fc.record({ kind: fc.constant("connect" as const), service, list: anyList }),
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("change" as const),
        service,
        nodeId: fc.constantFrom(...NODES),
        said: fc.option(anySaid, { nil: undefined }),
      }),
    },
    fc.record({ kind: fc.constant("lose" as const), service }),
    fc.record({ kind: fc.constant("outdate" as const), service }),
  );
  /** Only services that are connected tell of changes, and only lost ones connect. */
  const anyHistory = fc.array(anyStep, { maxLength: 40 }).map((steps) => {
    const connected = new Set<number>();
    return steps.filter((step) => {
      if (step.kind === "connect") {
        if (connected.has(step.service)) return false;
        connected.add(step.service);
      } else if (step.kind === "change") return connected.has(step.service);
      else if (step.kind === "lose") connected.delete(step.service);
      return true;
    });
  });

  test("gives what its slow twin reads off the whole history, after each step", () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const merging = new Merging(3);
        for (const [index, step] of history.entries()) {
          merging.take(step);
          for (const nodeId of NODES) {
            const known = merging.known.get(nodeId);
            const found = known && {
              content: known.hostname,
              endpoints: [...known.endpoints].sort(),
            };
            expect(found).toEqual(naiveAnswer(history.slice(0, index + 1), nodeId, 3));
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("tells no change where nothing is different", () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const merging = new Merging(3);
        let before = new Map<string, DiscoveredAffiliate>();
        for (const step of history) {
          merging.told.length = 0;
          merging.take(step);
          const different = NODES.filter(
            (nodeId) =>
              JSON.stringify(before.get(nodeId)) !== JSON.stringify(merging.known.get(nodeId)),
          );
          expect(merging.told).toHaveLength(different.length);
          before = new Map(merging.known);
        }
      }),
    );
  });

  test("and a service that is lost and comes back as it was: what all list is as before, untold", () => {
    fc.assert(
      fc.property(anyHistory, service, anyList, (history, lost, list) => {
        const merging = new Merging(3);
        for (const step of history) merging.take(step);
        // Whoever was away is there now, and all list the same nodes.
        for (const number of [0, 1, 2]) {
          merging.shares.lose(number);
          merging.connect(number, list);
        }
        merging.told.length = 0;
        merging.shares.lose(lost);
        merging.connect(lost, list);
        expect(merging.told).toEqual([]);
      }),
    );
  });
});
