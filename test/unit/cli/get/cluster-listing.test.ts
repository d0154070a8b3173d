import { expect, test } from "vitest";
import { SharedNames } from "../../../../src/cli/get/cluster-listing.ts";
import { AFFILIATES, createAffiliateSpec, ResourceView } from "../../../../src/resources/index.ts";

function affiliates(...nodes: readonly (readonly [nodeId: string, nodename: string])[]) {
  const view = new ResourceView(AFFILIATES);
  view.replace(
    new Map(nodes.map(([nodeId, nodename]) => [nodeId, createAffiliateSpec({ nodeId, nodename })])),
  );
  return new Map(view.list().map((resource) => [resource.metadata.id, resource]));
}

test("a name that two nodes have is told once, with the one that is listed", () => {
  const names = new SharedNames();
  expect(names.add(affiliates(["a", "w-1"], ["b", "w-2"], ["c", ""], ["d", ""]))).toBe(undefined);
  const twice = affiliates(["b", "w-1"], ["a", "w-1"], ["c", "w-2"]);
  expect(names.add(twice)).toBe(
    '"w-1" is the name of 2 nodes, listed is b: get affiliates has all',
  );
  expect(names.add(twice)).toBe(undefined);
  expect(names.add(affiliates(["a", "w-1"]))).toBe(undefined);
  expect(names.add(twice)).toContain('"w-1" is the name of 2 nodes');
});

test("many names are told in one line of bounded length, which steers no terminal", () => {
  const nodes = Array.from({ length: 200 }, (_, index): readonly [string, string] => [
    `node-${index}`,
    `${index % 100}\u001b[2J${"x".repeat(1000)}`,
  ]);
  const notice = new SharedNames().add(affiliates(...nodes)) ?? "";
  expect(notice).toContain("and 97 more names");
  expect(notice).toMatch(/^[^\p{Cc}]{1,600}$/u);
});
