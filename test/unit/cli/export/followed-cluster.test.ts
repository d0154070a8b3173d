import { describe, expect, test } from "vitest";
import { AbsentNodes } from "../../../../src/cli/export/followed-cluster.ts";
import { NODES, stateOf } from "./rendering.ts";

const names = ({ members }: ReturnType<typeof stateOf>) => [...members.keys()].sort();

describe("nodes that a service has forgotten", () => {
  test("are gone at once while it was there all the time", () => {
    const absent = new AbsentNodes();
    absent.onReturn(0);
    absent.complete(stateOf(NODES), 0);
    expect(absent.waitMs(0)).toBeUndefined();
    expect(names(absent.complete(stateOf(NODES.slice(0, 1)), 1))).toStrictEqual(["worker-1"]);
  });

  test("are waited for after it has come back, and then gone", () => {
    const absent = new AbsentNodes();
    absent.complete(stateOf(NODES), 0);
    absent.onReturn(1000);
    expect(names(absent.complete(stateOf([]), 1000))).toHaveLength(3);
    const back = absent.complete(stateOf(NODES.slice(0, 1)), 2000);
    expect(names(back)).toStrictEqual(["cp-1", "cp-2", "worker-1"]);
    expect(back.affiliates.size).toBe(3);
    expect(absent.waitMs(2000)).toBe(89_000);
    expect(absent.waitMs(91_000)).toBe(0);
    expect(names(absent.complete(stateOf(NODES.slice(0, 1)), 91_000))).toStrictEqual(["worker-1"]);
    expect(absent.waitMs(91_000)).toBeUndefined();
  });

  test("are gone at last where it comes back again and again, as behind a proxy that cuts quiet streams", () => {
    const absent = new AbsentNodes();
    absent.complete(stateOf(NODES), 0);
    const left = stateOf(NODES.slice(0, 1));
    const minute = 60_000;
    for (let nowMs = minute; nowMs < 16 * minute; nowMs += minute) {
      absent.onReturn(nowMs);
      expect(names(absent.complete(left, nowMs))).toHaveLength(3);
    }
    absent.onReturn(16 * minute);
    expect(absent.waitMs(15.5 * minute)).toBe(0.5 * minute);
    expect(names(absent.complete(left, 16 * minute))).toStrictEqual(["worker-1"]);
  });

  test("have their whole time again when they were there in between", () => {
    const absent = new AbsentNodes();
    absent.complete(stateOf(NODES), 0);
    absent.onReturn(0);
    absent.complete(stateOf([]), 0);
    absent.complete(stateOf(NODES), 1000);
    const later = 900_000;
    absent.onReturn(later);
    expect(names(absent.complete(stateOf([]), later))).toHaveLength(3);
    expect(absent.waitMs(later)).toBe(90_000);
  });

  test("have their new name when they come back with one", () => {
    const absent = new AbsentNodes();
    absent.complete(stateOf(NODES.slice(0, 1)), 0);
    absent.onReturn(0);
    const [node] = NODES;
    const renamed = { ...node, nodeId: "wrk", nodename: "worker-9" };
    expect(names(absent.complete(stateOf([renamed]), 1))).toStrictEqual(["worker-9"]);
  });
});
