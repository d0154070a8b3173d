import { expect, test } from "vitest";
import { KnownAffiliates } from "../../../src/client/known-affiliates.ts";

function affiliate(nodeId: string) {
  return { nodeId, endpoints: [] };
}

test("a slow reader holds nothing of a node that came and went between two looks", async () => {
  const known = new KnownAffiliates();
  known.start();
  const changes = known.watch(new AbortController().signal);
  await changes.next();
  known.set(affiliate("a"));
  known.delete("a");
  known.set(affiliate("b"));
  known.set(affiliate("a"));
  // Changes are told in the order of their first: had the first `a` been kept, it would be told before `b`.
  expect((await changes.next()).value).toMatchObject({ affiliate: { nodeId: "b" } });
  expect((await changes.next()).value).toMatchObject({ affiliate: { nodeId: "a" } });
  await changes.return();
});
