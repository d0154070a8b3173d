import { expect, test } from "vitest";
import { ClientShares } from "../../../src/registry/client-shares.ts";

/** Takes as much as is allowed. */
function fill(shares: ClientShares, client: string | undefined, atMost = 1000): number {
  let held = 0;
  for (; held < atMost && shares.allows(client); held++) shares.add(client);
  return held;
}

test("a client may hold as much as is still free: half at most", () => {
  const shares = new ClientShares({ max: 100, sharePercent: 100 });
  expect(fill(shares, "a")).toBe(50);
  expect(fill(shares, "b")).toBe(25);
  expect(fill(shares, "c")).toBe(13);
});

test("a newcomer gets something as long as anything is free", () => {
  const shares = new ClientShares({ max: 100, sharePercent: 100 });
  let clients = 0;
  while (fill(shares, `client ${clients}`) > 0) clients++;
  let held = 0;
  for (let i = 0; i < clients; i++) held += shares.heldBy(`client ${i}`);
  expect(held).toBe(100);
});

test("what is given back is free for others, and a client without anything is forgotten", () => {
  const shares = new ClientShares({ max: 4, sharePercent: 100 });
  expect(fill(shares, "a")).toBe(2);
  expect(shares.allows("a")).toBe(false);
  shares.remove("a");
  expect(shares.allows("a")).toBe(true);
  shares.remove("a");
  expect(shares.heldBy("a")).toBe(0);
  expect(fill(shares, "b")).toBe(2);
});

test("a share of 0 is no limit, and neither has a client that nobody knows", () => {
  const without = new ClientShares({ max: 4, sharePercent: 0 });
  expect(fill(without, "a", 10)).toBe(10);
  const shares = new ClientShares({ max: 4, sharePercent: 100 });
  expect(fill(shares, undefined, 3)).toBe(3);
  // It counts for the others.
  expect(fill(shares, "a")).toBe(1);
});

test("a share is a part of what is free, and at least one", () => {
  const shares = new ClientShares({ max: 100, sharePercent: 10 });
  expect(fill(shares, "a")).toBe(10);
  const few = new ClientShares({ max: 1, sharePercent: 1 });
  expect(fill(few, "a")).toBe(1);
});
