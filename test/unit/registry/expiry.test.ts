import fc from "fast-check";
import { expect, test } from "vitest";
import { ExpiryQueue } from "../../../src/registry/expiry.ts";

interface Item {
  dueAt: number;
  queuedAt: number;
  queuePlace: number;
}

function item(dueAt: number): Item {
  return { dueAt, queuedAt: 0, queuePlace: -1 };
}

test("items come out when they are due and not before, however they were moved and removed", () => {
  const operation = fc.record({
    kind: fc.constantFrom("add", "move", "move", "remove", "take", "next"),
    item: fc.nat(),
    at: fc.nat({ max: 200 }),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200, size: "max" }), (operations) => {
      const queue = new ExpiryQueue<Item>();
      const items: Item[] = [];
      for (const { kind, item: index, at } of operations) {
        const chosen = items[index % Math.max(items.length, 1)];
        if (kind === "add") {
          const added = item(at);
          items.push(added);
          queue.update(added);
        } else if (kind === "move" && chosen) {
          chosen.dueAt = at;
          queue.update(chosen);
        } else if (kind === "remove" && chosen) {
          queue.remove(chosen);
          queue.remove(chosen);
          items.splice(items.indexOf(chosen), 1);
        } else if (kind === "take") {
          for (let due = queue.takeDue(at); due !== undefined; due = queue.takeDue(at)) {
            expect(due.dueAt).toBeLessThanOrEqual(at);
            items.splice(items.indexOf(due), 1);
          }
          for (const left of items) expect(left.dueAt).toBeGreaterThan(at);
        } else if (kind === "next") {
          expect(queue.nextDueAt()).toBe(Math.min(...items.map(({ dueAt }) => dueAt)));
        }
        expect(queue.size).toBe(items.length);
      }
    }),
  );
});

test("a refresh in time leaves the queue as it is", () => {
  const queue = new ExpiryQueue<Item>();
  const items = [item(10), item(20), item(30)];
  for (const each of items) queue.update(each);
  const [first] = items as [Item];
  first.dueAt = 40;
  queue.update(first);
  expect(first).toMatchObject({ queuedAt: 10, queuePlace: 0 });
  expect(queue.takeDue(19)).toBe(undefined);
  expect(first.queuedAt).toBe(40);
});

test("a cleared queue holds nothing, and what it held can be queued again", () => {
  const queue = new ExpiryQueue<Item>();
  const only = item(10);
  queue.update(only);
  queue.clear();
  expect(queue.size).toBe(0);
  expect(queue.nextDueAt()).toBe(Number.POSITIVE_INFINITY);
  queue.update(only);
  expect(queue.takeDue(10)).toBe(only);
});
