import { expect, test } from "vitest";
import { IDENTITIES, type IdentitySpec } from "../../../src/resources/definitions.ts";
import { ResourceView } from "../../../src/resources/versions.ts";

function specs(byId: Record<string, string>): Map<string, IdentitySpec> {
  return new Map(Object.entries(byId).map(([id, nodeId]) => [id, { nodeId }]));
}

function shortly(view: ResourceView<IdentitySpec>, byId: Record<string, string>): string[] {
  return view
    .replace(specs(byId))
    .map(({ event, resource }) => `${event} ${resource.metadata.id} ${resource.metadata.version}`);
}

test("a version starts at 1 and grows by one with each change", () => {
  const view = new ResourceView(IDENTITIES);
  expect(shortly(view, { a: "1" })).toStrictEqual(["created a 1"]);
  expect(shortly(view, { a: "2" })).toStrictEqual(["updated a 2"]);
  expect(shortly(view, { a: "3", b: "1" })).toStrictEqual(["updated a 3", "created b 1"]);
});

test("an equal spec is no change", () => {
  const view = new ResourceView(IDENTITIES);
  shortly(view, { a: "1" });
  expect(shortly(view, { a: "1" })).toStrictEqual([]);
  expect(view.list()[0]?.metadata.version).toBe(1);
});

test("what comes back after it was gone starts at 1 again", () => {
  const view = new ResourceView(IDENTITIES);
  shortly(view, { a: "1" });
  shortly(view, { a: "2" });
  expect(shortly(view, {})).toStrictEqual(["destroyed a 2"]);
  expect(view.list()).toStrictEqual([]);
  expect(shortly(view, { a: "2" })).toStrictEqual(["created a 1"]);
});

test("changes and lists are sorted by ID, capitals first", () => {
  const view = new ResourceView(IDENTITIES);
  shortly(view, { c: "1" });
  expect(shortly(view, { b: "1", a: "1", B: "1" })).toStrictEqual([
    "created B 1",
    "created a 1",
    "created b 1",
    "destroyed c 1",
  ]);
  expect(view.list().map((resource) => resource.metadata.id)).toStrictEqual(["B", "a", "b"]);
});

test("times are told only of what was seen to happen", () => {
  let now = Date.UTC(2026, 0, 1);
  const view = new ResourceView(IDENTITIES, { now: () => now });
  view.replace(specs({ old: "1", still: "1" }));
  now += 1000;
  view.replace(specs({ old: "2", still: "1", young: "1" }));
  expect(view.list().map(({ metadata }) => metadata)).toStrictEqual([
    {
      namespace: "cluster",
      type: "Identities.cluster.talos.dev",
      id: "old",
      version: 2,
      phase: "running",
      updated: "2026-01-01T00:00:01.000Z",
    },
    {
      namespace: "cluster",
      type: "Identities.cluster.talos.dev",
      id: "still",
      version: 1,
      phase: "running",
    },
    {
      namespace: "cluster",
      type: "Identities.cluster.talos.dev",
      id: "young",
      version: 1,
      phase: "running",
      created: "2026-01-01T00:00:01.000Z",
      updated: "2026-01-01T00:00:01.000Z",
    },
  ]);
});

test("a change at a time that nobody knows leaves the times as they are", () => {
  const view = new ResourceView(IDENTITIES);
  const created = "2026-01-01T00:00:00.000Z";
  view.set("a", { nodeId: "1" }, Date.parse(created));
  view.set("a", { nodeId: "2" });
  expect(view.resources.get("a")?.metadata).toMatchObject({
    version: 2,
    created,
    updated: created,
  });
});

test("one resource at a time gives the events and versions of a whole replacement", () => {
  const view = new ResourceView(IDENTITIES);
  expect(view.set("a", { nodeId: "1" })).toMatchObject({ event: "created" });
  expect(view.set("a", { nodeId: "1" })).toBeUndefined();
  expect(view.set("a", { nodeId: "2" }, Date.UTC(2026, 0, 1))).toMatchObject({
    event: "updated",
    resource: { metadata: { version: 2, updated: "2026-01-01T00:00:00.000Z" } },
  });
  expect(view.resources.get("a")?.metadata.created).toBeUndefined();
  expect(view.delete("b")).toBeUndefined();
  expect(view.delete("a")).toMatchObject({
    event: "destroyed",
    resource: { metadata: { version: 2 }, spec: { nodeId: "2" } },
  });
  expect(view.set("a", { nodeId: "2" })?.resource.metadata.version).toBe(1);
});

test("an unchanged resource stays the same object", () => {
  const view = new ResourceView(IDENTITIES);
  view.set("a", { nodeId: "1" });
  const before = view.resources.get("a");
  view.set("a", { nodeId: "1" });
  view.replace(specs({ a: "1", b: "1" }));
  expect(view.resources.get("a")).toBe(before);
});
