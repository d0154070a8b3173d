import { describe, expect, test } from "vitest";
import { createAffiliateSpec } from "../../../src/resources/affiliate.ts";
import type { RegistryChange } from "../../../src/sources/discovery-registry.ts";
import { RegistryFeed } from "../../../src/sources/registry-feed.ts";

const STOPPED = { phase: "stopped", source: "test" } as const;
const node = (nodeId: string, hostname = "") => createAffiliateSpec({ nodeId, hostname });

function shown(change: RegistryChange): string {
  if (change.kind === "status") return change.status.phase;
  if (change.kind === "deleted") return `- ${change.nodeId}`;
  const affiliates = change.kind === "snapshot" ? change.affiliates : [change.affiliate];
  return [change.kind, ...affiliates.map((a) => `${a.nodeId}${a.hostname}`)].join(" ");
}

/** All that a reader is told without waiting for more. */
async function drain(changes: AsyncIterator<RegistryChange>, count: number): Promise<string[]> {
  const told: string[] = [];
  while (told.length < count) told.push(shown((await changes.next()).value));
  return told;
}

describe("a reader", () => {
  test("has its status at once, and its snapshot when there is an answer", async () => {
    const feed = new RegistryFeed(STOPPED);
    const changes = feed.watch();
    feed.set(node("A"));
    expect(await drain(changes, 1)).toEqual(["stopped"]);
    const next = drain(changes, 1);
    feed.replace([node("A"), node("B")]);
    expect(await next).toEqual(["snapshot A B"]);
  });

  test("that is slow is told the latest state of each, and nothing of what came and went", async () => {
    const feed = new RegistryFeed(STOPPED);
    feed.replace([node("A"), node("B")]);
    const changes = feed.watch();
    expect(await drain(changes, 2)).toEqual(["stopped", "snapshot A B"]);
    feed.set(node("A", "1"));
    feed.set(node("C"));
    feed.set(node("A", "2"));
    feed.delete("C");
    feed.delete("B");
    feed.setStatus({ phase: "connected", source: "test" });
    feed.set(node("D"));
    expect(await drain(changes, 4)).toEqual(["connected", "updated A2", "- B", "updated D"]);
  });

  test("hears nothing of what is equal", async () => {
    const feed = new RegistryFeed(STOPPED);
    feed.replace([node("A")]);
    const changes = feed.watch();
    await drain(changes, 2);
    feed.replace([node("A")]);
    feed.set(node("A"));
    feed.setStatus({ ...STOPPED });
    feed.delete("B");
    feed.set(node("Z"));
    expect(await drain(changes, 1)).toEqual(["updated Z"]);
  });

  test("ends with its signal, before and while it waits", async () => {
    const feed = new RegistryFeed(STOPPED);
    expect(await feed.watch({ signal: AbortSignal.abort() }).next()).toMatchObject({ done: true });
    const abort = new AbortController();
    const changes = feed.watch({ signal: abort.signal });
    await drain(changes, 1);
    const end = changes.next();
    abort.abort();
    expect(await end).toMatchObject({ done: true });
  });
});

test("what is known is live, and stays whatever the status", () => {
  const feed = new RegistryFeed(STOPPED);
  const { affiliates } = feed;
  feed.replace([node("A")]);
  feed.setStatus({ phase: "waiting", source: "test" });
  expect([...affiliates.keys()]).toEqual(["A"]);
  expect(feed.status.phase).toBe("waiting");
});
