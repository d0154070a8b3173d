import { expect, test } from "vitest";
import { createLog, type LogOptions } from "../../../src/cli/log.ts";

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
  expect(logged({ debug: true })).toStrictEqual([
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

test("a caller's text can neither start a line nor steer the terminal", () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line), isTerminal: true });
  log.info("a\nb", { version: "v1\n2026 info forged", id: "\u001b[2J" });
  expect(lines.join("").match(/\n/g)).toHaveLength(1);
  expect(lines.join("")).not.toContain("\u001b");
});
