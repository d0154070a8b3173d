import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CliIo } from "../../../../src/cli/io.ts";
import type { ResourceFormat } from "../../../../src/cli/output/formats.ts";
import { MARK_MS, REDRAW_INTERVAL_MS } from "../../../../src/cli/output/live-table.ts";
import { createWatchView, type WatchView } from "../../../../src/cli/output/watch-view.ts";
import {
  AFFILIATES,
  type AffiliateSource,
  type AffiliateSpec,
  createAffiliateSpec,
  ResourceView,
} from "../../../../src/resources/index.ts";
import { TestScreen } from "../../../harness/cli/test-screen.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

interface Watch {
  readonly screen: TestScreen;
  readonly view: WatchView<AffiliateSpec>;
  /** Tells the view of all there is now. */
  show(...nodes: AffiliateSource[]): void;
}

interface WatchOptions {
  readonly format?: ResourceFormat;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
}

function startWatch({ format = "table", env = {}, isTerminal = true }: WatchOptions = {}): Watch {
  const screen = new TestScreen();
  const output = {
    isTerminal,
    write: (text: string) => screen.write(text),
    get columns() {
      return screen.columns;
    },
    get rows() {
      return screen.rows;
    },
    onResize: (listener: () => void) => screen.onResize(listener),
  };
  const io: CliIo = {
    stdout: output,
    stderr: output,
    readStdin: async () => "",
    env: { NO_COLOR: "1", ...env },
    signal: new AbortController().signal,
    onReload: () => () => {},
  };
  const resources = new ResourceView(AFFILIATES);
  const view = createWatchView(format, AFFILIATES, { node: "127.0.0.1:3000", io });
  return {
    screen,
    view,
    show: (...nodes) =>
      view.show(
        resources.replace(new Map(nodes.map((node) => [node.nodeId, createAffiliateSpec(node)]))),
      ),
  };
}

const node = (nodeId: string, hostname = nodeId, ...addresses: string[]): AffiliateSource => ({
  nodeId,
  hostname,
  addresses,
  machineType: "worker",
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Marks are gone, and the next change is drawn at once. */
const settle = () => pass(MARK_MS + REDRAW_INTERVAL_MS);

const HEADER = "*   ID   VERSION   HOSTNAME   MACHINE TYPE   ADDRESSES";

describe("on a terminal", () => {
  test("rows are sorted, and change where they are", async () => {
    const { screen, show } = startWatch();
    show(node("b"), node("d"));
    expect(await screen.lines()).toStrictEqual([
      HEADER,
      "+   b    1         b          worker         []",
      "+   d    1         d          worker         []",
      "",
    ]);
    await settle();
    show(node("b", "x"), node("c"), node("d"));
    expect(await screen.lines()).toStrictEqual([
      HEADER,
      "    b    2         x          worker         []",
      "+   c    1         c          worker         []",
      "    d    1         d          worker         []",
      "",
    ]);
  });

  test("what is gone stays marked for a moment, and comes back as new", async () => {
    const { screen, show } = startWatch();
    show(node("a"), node("b"));
    await settle();
    show(node("b"));
    const gone = "-   a    1         a          worker         []";
    const kept = "    b    1         b          worker         []";
    expect(await screen.lines()).toStrictEqual([HEADER, gone, kept, ""]);
    await pass(MARK_MS - 1);
    expect(await screen.lines()).toStrictEqual([HEADER, gone, kept, ""]);
    await pass(1);
    expect(await screen.lines()).toStrictEqual([HEADER, kept, ""]);
    await settle();
    show(node("a"), node("b"));
    expect(await screen.lines()).toStrictEqual([HEADER, gone.replace("-", "+"), kept, ""]);
  });

  test("the header stays where everybody is gone", async () => {
    const { screen, show } = startWatch();
    show(node("a"));
    show();
    await settle();
    expect(await screen.lines()).toStrictEqual([HEADER, ""]);
  });

  test("nothing is drawn while nobody was there", async () => {
    const { screen, show, view } = startWatch();
    show();
    await screen.resize(40, 10);
    expect(screen.writes).toStrictEqual([]);
    view.notice("no affiliates yet");
    expect(await screen.lines()).toStrictEqual(["talos-discovery: no affiliates yet", ""]);
  });

  test("a change is drawn at once, in one write; more of them as soon as 50 ms have passed", async () => {
    const { screen, show } = startWatch();
    show(node("a"));
    expect(screen.writes).toHaveLength(1);
    for (let step = 0; step < 1000; step++) {
      show(node("a", `host-${step}`));
      await pass(1);
      expect(screen.writes.length).toBeLessThanOrEqual(2 + (step + 1) / REDRAW_INTERVAL_MS);
    }
    await pass(REDRAW_INTERVAL_MS);
    expect((await screen.lines())[1]).toContain("host-999");
  });

  test("a row that came and went between two drawings is seen", async () => {
    const { screen, show } = startWatch();
    show(node("a"));
    show(node("a"), node("b"));
    show(node("a"));
    await pass(REDRAW_INTERVAL_MS);
    expect((await screen.lines())[2]).toMatch(/^- {3}b /);
  });

  test("a long row is cut, and shown whole when there is room", async () => {
    const { screen, show } = startWatch();
    const addresses = Array.from({ length: 6 }, (_, index) => `fd00:1234:5678::${index}`);
    show(node("a", "a", ...addresses), node("b"));
    expect((await screen.lines())[1]).toMatch(/^.{79}…$/);
    expect(await screen.lines()).toHaveLength(4);
    await screen.resize(200, 24);
    expect((await screen.lines())[1]).toMatch(/::5"\]$/);
    expect(await screen.lines()).toHaveLength(4);
  });

  test("a window that is made narrower and wider again has each row once", async () => {
    const { screen, show } = startWatch();
    screen.write("$ talos-discovery get affiliates -w\n");
    show(node("a", "some-long-hostname", "10.0.0.1", "10.0.0.2"), node("b"), node("c"));
    for (const columns of [60, 33, 20, 11, 24, 50, 120, 7, 80]) {
      await screen.resize(columns, 24);
      const lines = await screen.lines();
      expect(lines.map((line) => line.slice(0, 5).trimEnd())).toStrictEqual(
        ["*   I", "+   a", "+   b", "+   c", ""].map((text) => text.slice(0, columns)),
      );
    }
    expect((await screen.history())[0]).toBe("$ talos-discovery get affiliates -w");
  });

  test("what was written above the table goes out of sight, not away, when the window changes", async () => {
    const { screen, show, view } = startWatch();
    screen.write("$ ls\n");
    show(node("a"));
    await screen.resize(70, 20);
    view.notice("the service does not answer");
    await screen.resize(90, 20);
    await screen.resize(70, 20);
    expect(await screen.lines()).toStrictEqual([HEADER, expect.stringMatching(/^\+ {3}a /), ""]);
    const history = await screen.history();
    expect(history).toContain("$ ls");
    expect(history.filter((line) => line.startsWith("talos-discovery: "))).toHaveLength(1);
  });

  test("text of a shell above the table stays", async () => {
    const { screen, show } = startWatch();
    screen.write("$ talos-discovery get affiliates -w\n");
    show(node("a"));
    await settle();
    show(node("a"), node("b"));
    expect((await screen.lines())[0]).toBe("$ talos-discovery get affiliates -w");
    expect(await screen.lines()).toHaveLength(5);
  });

  test("a notice stands above the table, and leaves it whole", async () => {
    const { screen, show, view } = startWatch();
    show(node("a"));
    view.notice("the service does not answer");
    expect(await screen.lines()).toStrictEqual([
      "talos-discovery: the service does not answer",
      HEADER,
      "+   a    1         a          worker         []",
      "",
    ]);
  });

  test("-o wide stays in place too, with colour where it is wanted", async () => {
    const { screen, show } = startWatch({ format: "wide", env: { NO_COLOR: "" } });
    show(node("a"));
    expect((await screen.lines())[1]).toMatch(/^\+ {3}cluster {5}Affiliate {3}a /);
    expect(screen.writes.join("")).toContain("\u001b[32m+");
  });

  test("more rows than the screen has are appended as lines, and so is what follows", async () => {
    const { screen, show } = startWatch();
    const nodes = Array.from({ length: 22 }, (_, index) => node(`n${10 + index}`));
    show(...nodes);
    expect(await screen.lines()).toHaveLength(24);
    await settle();
    show(...nodes, node("n99"));
    const all = [...(await screen.history()), ...(await screen.lines())];
    expect(all.map((line) => line.slice(0, 7))).toStrictEqual([
      "*   ID ",
      ...nodes.map(({ nodeId }) => `    ${nodeId}`),
      "+   n99",
      "",
    ]);
    show(...nodes);
    expect((await screen.lines()).at(-2)).toMatch(/^- {3}n99 /);
    await settle();
    expect((await screen.lines()).at(-2)).toMatch(/^- {3}n99 /);
  });

  test("what is gone makes room for what is there, and the table stays", async () => {
    const { screen, show } = startWatch();
    const named = (letter: string) =>
      Array.from({ length: 15 }, (_, index) => node(`${letter}${10 + index}`));
    show(...named("a"));
    await settle();
    show(...named("b"));
    const lines = await screen.lines();
    expect(lines.filter((line) => line.startsWith("-"))).toHaveLength(7);
    expect(lines.filter((line) => line.startsWith("+"))).toHaveLength(15);
    await settle();
    expect(await screen.lines()).toHaveLength(17);
  });

  test("a window that gets too low for the table has lines from then on", async () => {
    const { screen, show } = startWatch();
    show(node("a"), node("b"), node("c"));
    await screen.resize(80, 4);
    await screen.resize(80, 24);
    show(node("a"), node("b"));
    await settle();
    expect((await screen.lines()).slice(-6).map((line) => line.slice(0, 5))).toStrictEqual([
      "*   I",
      "+   a",
      "+   b",
      "+   c",
      "-   c",
      "",
    ]);
  });

  test("at the end the last change is there, and what was typed below is not", async () => {
    const { screen, show, view } = startWatch();
    show(node("a"));
    show(node("a"), node("b"));
    screen.write("^C");
    view.close();
    expect((await screen.lines()).at(-2)).toMatch(/^\+ {3}b /);
    expect((await screen.lines()).at(-1)).toBe("");
    expect(await screen.cursorColumn()).toBe(0);
    expect(screen.hasListeners).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("each write leaves the cursor visible and lines wrapping", async () => {
    const { screen, show } = startWatch();
    show(node("a"));
    show();
    await settle();
    expect(screen.writes.length).toBeGreaterThan(2);
    for (const text of screen.writes) {
      expect(text.indexOf("\u001b[?25l")).toBeLessThan(text.indexOf("\u001b[?25h"));
      expect(text.indexOf("\u001b[?7l")).toBeLessThan(text.indexOf("\u001b[?7h"));
    }
  });

  test("whatever nodes call themselves, each has one row", async () => {
    const text = fc.oneof(
      fc.constantFrom("\u001b[2J", "\r\n", "\u009b5A", "名前".repeat(30), "🧨".repeat(40), "\t\t"),
      fc.constantFrom("e\u0301".repeat(60), "\u202egnp", "👩‍👩‍👧‍👦".repeat(20), "x".repeat(300)),
      fc.string({ unit: "binary", maxLength: 120 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 5 }), async (hostnames) => {
        const { screen, show, view } = startWatch();
        const nodes = hostnames.map((hostname, index) => node(`n${index}`, hostname));
        show(...nodes);
        await settle();
        show(...nodes, node("z"));
        const starts = (await screen.lines()).map((line) => line.slice(0, 6));
        expect(starts).toStrictEqual([
          "*   ID",
          ...nodes.map(({ nodeId }) => `    ${nodeId}`),
          "+   z ",
          "",
        ]);
        view.close();
      }),
      { numRuns: 60 },
    );
  });
});

describe("lines are appended", () => {
  test.each<[string, WatchOptions]>([
    ["in a pipe", { isTerminal: false }],
    ["on a dumb terminal", { env: { TERM: "dumb" } }],
    ["under CI", { env: { CI: "true" } }],
  ])("%s", async (_name, options) => {
    const { screen, show, view } = startWatch(options);
    show(node("b"));
    show(node("a"), node("b"));
    view.notice("something happened");
    view.close();
    expect(screen.writes).toStrictEqual([
      `${HEADER}\n+   b    1         b          worker         []\n`,
      "+   a    1         a          worker         []\n",
      "talos-discovery: something happened\n",
    ]);
  });

  test("of documents and templates", () => {
    const { screen, show } = startWatch({ format: "jsonpath={.event} {.metadata.id}" });
    show(node("a"));
    show();
    expect(screen.writes).toStrictEqual(["created a\n", "destroyed a\n"]);
  });
});
