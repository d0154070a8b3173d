import fc from "fast-check";
import { expect, test } from "vitest";
import { ChangeFeed, UnreadChanges } from "../../../src/async/change-feed.ts";

interface Change {
  readonly id: string;
  /** Absent where it is deleted. */
  readonly value?: number;
}

const step: fc.Arbitrary<Change | "read"> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ id: fc.constantFrom("a", "b", "c"), value: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ id: fc.constantFrom("a", "b", "c") }) },
  { weight: 1, arbitrary: fc.constant("read" as const) },
);

test("what is taken leads from what the reader last knew to what is now, in any history", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const collection = new Map<string, number>();
      const reader = new Map<string, number>();
      const unread = new UnreadChanges<number>();
      const read = () => {
        for (const [id, before] of unread.take()) {
          expect(before, id).toBe(reader.get(id));
          const now = collection.get(id);
          if (now === undefined) expect(reader.delete(id), "gone, and known before").toBe(true);
          else reader.set(id, now);
        }
        expect(reader).toEqual(collection);
      };
      for (const change of [...steps, "read" as const]) {
        if (change === "read") read();
        else {
          const before = collection.get(change.id);
          const { value: after } = change;
          if (before === after) continue;
          if (after === undefined) collection.delete(change.id);
          else collection.set(change.id, after);
          unread.mark(change.id, before, after);
        }
      }
    }),
  );
});

test("changes come in the order of their first, also those marked while they are taken", () => {
  const unread = new UnreadChanges<string>();
  unread.mark("b", undefined, "1");
  unread.mark("a", undefined, "1");
  unread.mark("b", "1", "2");
  const taken: string[] = [];
  for (const [id] of unread.take()) {
    taken.push(id);
    if (id === "b") unread.mark("c", undefined, "1");
  }
  expect(taken).toEqual(["b", "a", "c"]);
  expect([...unread.take()]).toEqual([]);
});

test("a reader that stops keeps what it has not taken", () => {
  const unread = new UnreadChanges<string>();
  unread.mark("a", undefined, "1");
  unread.mark("b", undefined, "1");
  for (const _ of unread.take()) break;
  expect([...unread.take()]).toEqual([["b", undefined]]);
});

/** What one reader of a feed is told: everything at first, then item by item. */
function shown(feed: ChangeFeed<string>, signal?: AbortSignal): AsyncGenerator<string> {
  return feed.watch(
    {
      snapshot: () => [...feed.items.keys()].join(" "),
      change: (id, item) => (item === undefined ? `-${id}` : `${id}=${item}`),
    },
    { signal },
  );
}

test("a reader has its snapshot when the feed has started, and each change after", async () => {
  const feed = new ChangeFeed<string>();
  const reader = shown(feed);
  feed.set("a", "1");
  const snapshot = reader.next();
  feed.set("b", "1");
  feed.readers.start();
  expect((await snapshot).value).toBe("a b");
  expect(feed.set("a", "1")).toBe(false);
  expect(feed.set("a", "2")).toBe(true);
  expect(feed.delete("b")).toBe(true);
  expect(feed.delete("b")).toBe(false);
  expect((await reader.next()).value).toBe("a=2");
  expect((await reader.next()).value).toBe("-b");
  await reader.return(undefined);
});

test("a slow reader holds nothing of an item that came and went between two looks", async () => {
  const feed = new ChangeFeed<string>();
  feed.readers.start();
  const reader = shown(feed);
  await reader.next();
  feed.set("a", "1");
  feed.delete("a");
  feed.set("b", "1");
  feed.set("a", "2");
  // Changes are told in the order of their first: had the first `a` been kept, it would be told before `b`.
  expect((await reader.next()).value).toBe("b=1");
  expect((await reader.next()).value).toBe("a=2");
  await reader.return(undefined);
});

test("a reader ends with its signal, before and while it waits", async () => {
  const feed = new ChangeFeed<string>();
  expect(await shown(feed, AbortSignal.abort()).next()).toMatchObject({ done: true });
  const abort = new AbortController();
  const end = shown(feed, abort.signal).next();
  abort.abort();
  expect(await end).toMatchObject({ done: true });
});
