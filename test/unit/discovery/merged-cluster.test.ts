/**
 * The merged cluster, changed one node at a time, against a merge of the whole.
 * @module
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DiscoveryChange } from "../../../src/discovery/discovery-change.ts";

import { MergedCluster } from "../../../src/discovery/merged-cluster.ts";
import { type AffiliateSpec, createAffiliateSpec } from "../../../src/resources/affiliate.ts";
import { membersOf } from "../../../src/resources/member.ts";
import { mergeAffiliates } from "../../../src/resources/merge.ts";
import type { Resource } from "../../../src/resources/resource.ts";
import { affiliates } from "../resources/affiliate-arbitrary.ts";

const NAMES = ["service", "k8s", "static"];
const LOCAL = "L";

type Step =
  | { readonly kind: "set"; readonly name: string; readonly affiliate: AffiliateSpec }
  | { readonly kind: "delete"; readonly name: string; readonly nodeId: string }
  | { readonly kind: "replace"; readonly name: string; readonly affiliates: AffiliateSpec[] }
  | { readonly kind: "local"; readonly affiliate: AffiliateSpec | undefined }
  | { readonly kind: "read" };

const anyone = affiliates("A", "B", "C", LOCAL);
const name = fc.constantFrom(...NAMES);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("set"), name, affiliate: anyone }),
    fc.record({
      kind: fc.constant("delete"),
      name,
      nodeId: fc.constantFrom("A", "B", "C", LOCAL),
    }),
    fc.record({
      kind: fc.constant("replace"),
      name,
      affiliates: fc.array(anyone, { maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constant("local"),
      affiliate: fc.option(affiliates(LOCAL), { nil: undefined }),
    }),
    fc.record({ kind: fc.constant("read") }),
  ) as fc.Arbitrary<Step>,
  { maxLength: 30 },
);

/** The slow twin: what registries have, merged anew each time. */
class Twin {
  readonly raw = new Map<string, AffiliateSpec>();
  local: AffiliateSpec | undefined;

  apply(step: Step): void {
    if (step.kind === "local") this.local = step.affiliate;
    else if (step.kind === "delete") this.raw.delete(`${step.name}/${step.nodeId}`);
    else if (step.kind === "set") this.#set(step.name, step.affiliate);
    else if (step.kind === "replace") {
      for (const id of [...this.raw.keys()]) {
        if (id.startsWith(`${step.name}/`)) this.raw.delete(id);
      }
      for (const affiliate of step.affiliates) this.#set(step.name, affiliate);
    }
  }

  get affiliates(): Map<string, AffiliateSpec> {
    const merged = mergeAffiliates(this.raw);
    if (this.local !== undefined) merged.set(LOCAL, this.local);
    return merged;
  }

  #set(registry: string, affiliate: AffiliateSpec): void {
    if (affiliate.nodeId !== LOCAL) this.raw.set(`${registry}/${affiliate.nodeId}`, affiliate);
  }
}

function apply(cluster: MergedCluster, step: Step): void {
  if (step.kind === "local") cluster.setLocal(step.affiliate, 0);
  else if (step.kind === "delete") cluster.deleteShare(step.name, step.nodeId, 0);
  else if (step.kind === "set") cluster.setShare(step.name, step.affiliate, 0);
  else if (step.kind === "replace") cluster.replaceShare(step.name, step.affiliates, 0);
}

function specsOf<Spec>(resources: ReadonlyMap<string, Resource<Spec>>): Record<string, Spec> {
  return Object.fromEntries([...resources].map(([id, { spec }]) => [id, spec]));
}

const byText = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

test("any changes of any registries agree with a merge of the whole, and versions count the changes", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const cluster = new MergedCluster(NAMES, LOCAL);
      const twin = new Twin();
      const versions = new Map<string, number>();
      let before = new Map<string, AffiliateSpec>();
      for (const step of all) {
        const known = new Map(cluster.state.affiliates);
        apply(cluster, step);
        twin.apply(step);
        const { affiliates: expected } = twin;
        expect(specsOf(cluster.state.rawAffiliates)).toStrictEqual(Object.fromEntries(twin.raw));
        expect(specsOf(cluster.state.affiliates)).toStrictEqual(Object.fromEntries(expected));
        expect(specsOf(cluster.state.members)).toStrictEqual(
          Object.fromEntries(membersOf(expected.values())),
        );
        for (const [id, resource] of cluster.state.affiliates) {
          const isSame = byText(before.get(id), expected.get(id));
          const { version } = resource.metadata;
          if (isSame) expect(resource).toBe(known.get(id));
          else expect(version).toBe(before.has(id) ? (versions.get(id) ?? 0) + 1 : 1);
          versions.set(id, version);
        }
        before = expected;
      }
    }),
    { numRuns: 300 },
  );
});

test("a reader of any speed has the whole state from its snapshot and the events after", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const cluster = new MergedCluster(NAMES, LOCAL);
      const abort = new AbortController();
      const changes = cluster.watch({ signal: abort.signal });
      const known = new Map<string, Resource<unknown>>();
      cluster.start();
      for (const step of [...all, { kind: "read" } as const]) {
        apply(cluster, step);
        if (step.kind === "read") await readAll(cluster, changes, known);
      }
      abort.abort();
      await changes.return(undefined);
    }),
    { numRuns: 150 },
  );
});

/** Reads until nothing is left to tell, which a change of a status marks. */
async function readAll(
  cluster: MergedCluster,
  changes: AsyncIterator<DiscoveryChange>,
  known: Map<string, Resource<unknown>>,
): Promise<void> {
  const { rawAffiliates, affiliates: merged, members } = cluster.state;
  const current = () =>
    new Map<string, Resource<unknown>>(
      [rawAffiliates, merged, members].flatMap((view) =>
        [...view.values()].map((resource) => [keyOf(resource), resource] as const),
      ),
    );
  if (!known.has("snapshot")) {
    const first = (await changes.next()).value;
    expect(first.kind).toBe("snapshot");
    for (const [key, resource] of current()) known.set(key, resource);
    known.set("snapshot", {} as Resource<unknown>);
  }
  // Something of its own changes, so that there is surely something to read.
  const mark = createAffiliateSpec({ nodeId: "mark", hostname: `${marks++}` });
  cluster.setShare("static", mark, 0);
  const { value: change } = await changes.next();
  if (change?.kind !== "changed") throw new Error(`got ${change?.kind}`);
  for (const { event, resource } of change.events) {
    const key = keyOf(resource);
    expect(known.has(key)).toBe(event !== "created");
    if (event === "destroyed") known.delete(key);
    else known.set(key, resource);
  }
  const expected = current();
  expected.set("snapshot", {} as Resource<unknown>);
  expect(known).toEqual(expected);
}

let marks = 0;

function keyOf({ metadata: { namespace, type, id } }: Resource<unknown>): string {
  return `${namespace} ${type} ${id}`;
}

describe("a large cluster", () => {
  test("a change looks at no other affiliate than the one that changed", () => {
    let looks = 0;
    const spied = (nodeId: string) =>
      new Proxy(createAffiliateSpec({ nodeId, nodename: nodeId }), {
        get(target, key, receiver) {
          looks++;
          return Reflect.get(target, key, receiver);
        },
      });
    const cluster = new MergedCluster(["k8s", "service"], undefined);
    for (let i = 0; i < 2_000; i++) {
      cluster.setShare("k8s", spied(`node-${i}`), 0);
      cluster.setShare("service", spied(`node-${i}`), 0);
    }
    looks = 0;
    cluster.setShare("service", createAffiliateSpec({ nodeId: "node-7", nodename: "other" }), 0);
    cluster.deleteShare("k8s", "node-8", 0);
    expect(cluster.state.members.get("other")?.spec.nodeId).toBe("node-7");
    expect(looks).toBeLessThan(100);
  });
});
