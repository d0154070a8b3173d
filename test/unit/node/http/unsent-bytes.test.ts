import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Connection } from "../../../../src/node/http/connections.ts";
import {
  DEFAULT_UNSENT_TOTAL,
  type UnsentAccount,
  UnsentBytes,
} from "../../../../src/node/http/unsent-bytes.ts";
import { MemoryBudget } from "../../../../src/registry/memory-budget.ts";
import { createManualClock, settled } from "../../../harness/registry/manual-clock.ts";

function connection(): Connection {
  return {
    client: undefined,
    address: undefined,
    unsentBytes: 0,
    connectStreams: 0,
    add() {},
    delete() {},
    flooded() {},
    destroy() {},
  };
}

describe("room for one answer", () => {
  test("is a quarter of what is left of its connection, its client and all", () => {
    const unsent = new UnsentBytes({ perConnection: 40_000, perClient: 80_000, total: 120_000 });
    const one = connection();
    const first = unsent.open(one, "a");
    expect(first.room()).toBe(10_000);
    first.add(20_000);
    expect(unsent.open(one, "b").room()).toBe(5000);
    const second = unsent.open(connection(), "a");
    expect(second.room()).toBe(10_000);
    second.add(40_000);
    expect(unsent.open(connection(), "a").room()).toBe(5000);
    unsent.open(undefined, undefined).add(44_000);
    expect(unsent.open(connection(), "c").room()).toBe(4000);
  });

  test("is never under 1 KiB, whatever others have", () => {
    const unsent = new UnsentBytes({ perConnection: 1, perClient: 1, total: 1 });
    const account = unsent.open(connection(), "a");
    account.add(1_000_000);
    expect(account.room()).toBe(1024);
  });
});

describe("one more call is too much", () => {
  const limits = { perConnection: 100, perClient: 200, total: 300 };

  test("on a connection, for a client, or in all, while there is more than may be", () => {
    const unsent = new UnsentBytes(limits);
    const one = connection();
    const account = unsent.open(one, "a");
    account.add(100);
    expect(unsent.isOver(one, "a")).toBe(false);
    account.add(1);
    expect(unsent.isOver(one, undefined)).toBe(true);
    expect(unsent.isOver(connection(), "a")).toBe(false);
    account.add(100);
    expect(unsent.isOver(connection(), "a")).toBe(true);
    expect(unsent.isOver(connection(), "b")).toBe(false);
    account.add(100);
    expect(unsent.isOver(undefined, undefined)).toBe(true);
    account.close();
    expect(unsent.isOver(one, "a")).toBe(false);
  });
});

test("when all have too much it says so, once a turn, and not if it is over by then", async () => {
  let calls = 0;
  const unsent = new UnsentBytes({ total: 1000 }, { onOver: () => calls++ });
  const account = unsent.open(undefined, undefined);
  for (let i = 0; i < 20; i++) account.add(100);
  expect(calls).toBe(0);
  await settled();
  expect(calls).toBe(1);
  await settled();
  expect(calls).toBe(1);
  account.add(1);
  account.close();
  await settled();
  expect(calls).toBe(1);
});

test("while too much stays, it says so again, also if nobody writes any more", async () => {
  const clock = createManualClock();
  const accounts: UnsentAccount[] = [];
  const onOver = () => accounts.pop()?.close();
  const unsent = new UnsentBytes({ total: 1000 }, { onOver, schedule: clock.schedule });
  for (let i = 0; i < 5; i++) {
    const account = unsent.open(undefined, undefined);
    accounts.push(account);
    account.add(500);
  }
  await settled();
  expect(unsent.bytes).toBe(2000);
  await clock.advance(100);
  expect(unsent.bytes).toBe(1500);
  await clock.advance(1000);
  expect(unsent.bytes).toBe(1000);
  expect(clock.pending).toBe(0);
});

test("sums agree with a naive twin, and return to 0 when all accounts are closed", () => {
  const clients = ["a", "b", undefined];
  const step = fc.record({
    account: fc.nat(9),
    connection: fc.nat(3),
    client: fc.nat(2),
    what: fc.constantFrom("open", "close", "write", "take"),
    bytes: fc.integer({ min: 1, max: 100_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const memory = new MemoryBudget({ maxBytes: 1e12 });
      const unsent = new UnsentBytes({ perConnection: 50_000, perClient: 70_000 }, { memory });
      const connections = [connection(), connection(), connection(), undefined];
      const accounts: { account: UnsentAccount; connection: number; client: number }[] = [];
      const sum = (of: (each: (typeof accounts)[0]) => boolean) =>
        accounts.filter(of).reduce((bytes, { account }) => bytes + account.bytes, 0);
      for (const { account: at, what, bytes, ...owner } of steps) {
        const account = accounts[at]?.account;
        if (what === "open") {
          const opened = unsent.open(connections[owner.connection], clients[owner.client]);
          accounts.push({ account: opened, ...owner });
        } else if (what === "close") account?.close();
        else if (what === "write") account?.add(bytes);
        else account?.add(-Math.min(bytes, account.bytes));
        expect(unsent.bytes).toBe(sum(() => true));
        expect(memory.usedBy("unsent")).toBe(unsent.bytes);
        for (const [i, each] of connections.entries()) {
          const own = sum(({ connection }) => connection === i);
          expect(each?.unsentBytes ?? own).toBe(own);
        }
        for (const [i, client] of clients.entries()) {
          const isOver = client !== undefined && sum((each) => each.client === i) > 70_000;
          expect(unsent.isOver(undefined, client)).toBe(isOver || unsent.bytes > unsent.total);
        }
      }
      for (const { account } of accounts) {
        account.close();
        account.close();
        account.add(5);
      }
      expect(unsent.bytes).toBe(0);
      expect(memory.usedBytes).toBe(0);
      for (const each of connections) expect(each?.unsentBytes ?? 0).toBe(0);
      for (const client of clients) expect(unsent.isOver(undefined, client)).toBe(false);
    }),
  );
});

test("all may have an eighth of the memory, and no more than 256 MiB", () => {
  const totalOf = (maxBytes: number) =>
    new UnsentBytes({}, { memory: new MemoryBudget({ maxBytes }) }).total;
  expect(totalOf(800)).toBe(100);
  expect(totalOf(Number.POSITIVE_INFINITY)).toBe(DEFAULT_UNSENT_TOTAL);
  expect(new UnsentBytes().total).toBe(DEFAULT_UNSENT_TOTAL);
});

test.each([
  [{ perConnection: 0 }, "unsent.perConnection"],
  [{ perClient: 1.5 }, "unsent.perClient"],
  [{ total: -1 }, "unsent.total"],
])("%o is a mistake", (limits, name) => {
  expect(() => new UnsentBytes(limits)).toThrow(RangeError);
  expect(() => new UnsentBytes(limits)).toThrow(name);
});
