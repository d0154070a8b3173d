import { expect, test } from "vitest";
import { createLog, type LogOptions } from "../../../../src/cli/serve/log.ts";
import { printable } from "../../../../src/net/quote.ts";

const FIELDS = { url: "http://[::1]:3000", reason: 'two "words"', none: undefined, count: 3 };

function logged(options: LogOptions): string[] {
  const lines: string[] = [];
  const log = createLog(
    { write: (line) => lines.push(line), isTerminal: false },
    { now: () => Date.UTC(2026, 0, 1) + 250, ...options },
  );
  log.debug("details");
  log.info("serving", FIELDS);
  return lines;
}

test("text lines have time, level, message and fields", () => {
  expect(logged({ level: "debug" })).toStrictEqual([
    "2026-01-01T00:00:00.250Z debug details\n",
    '2026-01-01T00:00:00.250Z info  serving url=http://[::1]:3000 reason="two \\"words\\"" count=3\n',
  ]);
});

test("JSON lines have the keys of the reference service", () => {
  expect(logged({ format: "json" }).map((line) => JSON.parse(line))).toStrictEqual([
    {
      level: "info",
      ts: Date.UTC(2026, 0, 1) / 1000 + 0.25,
      msg: "serving",
      url: "http://[::1]:3000",
      reason: 'two "words"',
      count: 3,
    },
  ]);
});

test("a JSON line begins with level and time, and ends with the message", () => {
  const [line] = logged({ format: "json" });
  expect(line).toBe(
    '{"level":"info","ts":1767225600.25,"url":"http://[::1]:3000","reason":"two \\"words\\"","count":3,"msg":"serving"}\n',
  );
});

test("what callers send moves no cursor in either form, and JSON means the same", () => {
  const error = "\u001b[2J\u007f\u009b1A\u202ex\n";
  for (const format of ["text", "json"] as const) {
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line), isTerminal: false }, { format });
    log.info("refused", { error });
    const line = lines.join("").slice(0, -1);
    expect(line).toBe(printable(line));
    if (format === "json") expect(JSON.parse(line)).toMatchObject({ error, msg: "refused" });
  }
});

test.each(["text", "json"] as const)("%s lines are written from the level on", (format) => {
  const levels = ["debug", "info", "warn", "error"] as const;
  for (const [place, level] of levels.entries()) {
    const lines: string[] = [];
    const log = createLog(
      { write: (line) => lines.push(line), isTerminal: false },
      { format, level },
    );
    for (const own of levels) log[own](own);
    expect(lines).toHaveLength(levels.length - place);
    expect(levels.filter((own) => log.isOn(own))).toEqual(levels.slice(place));
  }
});

test("a cluster ID is a word that opens its entry, so lines have its hash unless asked", () => {
  const output = { write: () => {}, isTerminal: false };
  expect(createLog(output).clusterId("abc")).toBe("#ba7816bf8f01");
  expect(createLog(output, { clusterIds: true }).clusterId("abc")).toBe("abc");
});

test("in JSON a caller's text stays a string on its line", () => {
  const lines: string[] = [];
  const log = createLog(
    { write: (line) => lines.push(line), isTerminal: false },
    { format: "json" },
  );
  log.error("failed", { client_version: 'v1"\n{"level":"info"}\u001b[2J' });
  expect(lines).toHaveLength(1);
  expect(lines[0]?.indexOf("\n")).toBe((lines[0]?.length ?? 0) - 1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    level: "error",
    msg: "failed",
    client_version: 'v1"\n{"level":"info"}\u001b[2J',
  });
});

test("a caller's text can neither start a line nor steer the terminal", () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line), isTerminal: true });
  log.info("a\nb", { version: "v1\n2026 info forged", id: "\u001b[2J" });
  expect(lines.join("").match(/\n/g)).toHaveLength(1);
  expect(lines.join("")).not.toContain("\u001b");
});
