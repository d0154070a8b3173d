import { describe, expect, test } from "vitest";
import { Exporter } from "../../../../src/cli/export/exporter.ts";
import type { MemberSelection } from "../../../../src/cli/export/member-selection.ts";
import { NODES, stateOf } from "./rendering.ts";

const CLUSTER = { id: undefined, secret: undefined, name: undefined };

const EVERYTHING: MemberSelection = {
  includes: () => true,
  passes: () => true,
  unusable: () => undefined,
  ofAnyType: () => EVERYTHING,
};

/** An exporter whose format finds fault with whatever is named here, and what it tells the user. */
function createExporter(problems: string[], selection = EVERYTHING) {
  const notices: string[] = [];
  const renderer = { render: () => ({ text: "", problems: [...problems] }) };
  const exporter = new Exporter(CLUSTER, selection, renderer, (line) => notices.push(line));
  return { exporter, notices };
}

describe("an export", () => {
  test("tells of each fault once while it lasts, and again when it is back", () => {
    const problems = ["a", "b"];
    const { exporter, notices } = createExporter(problems);
    exporter.render(stateOf(NODES));
    problems.splice(0, 1, "c");
    exporter.render(stateOf(NODES));
    problems.splice(0, 1, "a");
    exporter.render(stateOf(NODES));
    expect(notices).toStrictEqual(["a", "b", "c", "a"]);
  });

  test("tells of twenty faults at once, and how many more there are", () => {
    const { exporter, notices } = createExporter(Array.from({ length: 100 }, (_, i) => `${i}`));
    exporter.render(stateOf(NODES));
    expect(notices).toHaveLength(21);
    expect(notices.at(-1)).toBe("and 80 more like these");
  });

  test("says why it is empty", () => {
    const none = { ...EVERYTHING, includes: () => false };
    const { exporter, notices } = createExporter([], none);
    exporter.render(stateOf([]));
    exporter.render(stateOf(NODES));
    expect(notices).toStrictEqual([
      "the cluster has no members",
      "no member is left by the filters",
    ]);
  });

  test("leaves it to a format to say why", () => {
    const none = { ...EVERYTHING, includes: () => false };
    const { exporter, notices } = createExporter(["a"], none);
    exporter.render(stateOf(NODES));
    expect(notices).toStrictEqual(["a"]);
  });

  test("names five members without an address, and counts the rest", () => {
    const nowhere = { ...EVERYTHING, passes: () => false };
    const { exporter, notices } = createExporter([], nowhere);
    const nodes = [..."abcdefg"].map((name) => ({ nodeId: name, nodename: name }));
    exporter.render(stateOf(nodes));
    expect(notices.at(-1)).toBe(
      "left out, without an address that is asked for: a, b, c, d, e and 2 more",
    );
  });

  test("names five addresses that cannot be another node's, and quotes what is no usual name", () => {
    const useless = { ...EVERYTHING, unusable: () => "loopback" };
    const { exporter, notices } = createExporter([], useless);
    const addresses = ["127.0.0.1"];
    const names = ["a", "b (x), c", "d\n", "e", "f", "g"];
    exporter.render(stateOf(names.map((name) => ({ nodeId: name, nodename: name, addresses }))));
    expect(notices).toStrictEqual([
      "addresses that cannot be another node's are left out: 127.0.0.1 of a (loopback), " +
        '127.0.0.1 of "b (x), c" (loopback), 127.0.0.1 of "d\\n" (loopback), ' +
        "127.0.0.1 of e (loopback), 127.0.0.1 of f (loopback) and 1 more; --cidr takes them",
    ]);
  });
});
