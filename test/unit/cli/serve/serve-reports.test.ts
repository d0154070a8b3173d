import { expect, test } from "vitest";
import { createLog } from "../../../../src/cli/serve/log.ts";
import {
  createConnectionLimitLog,
  createCorsOriginLog,
} from "../../../../src/cli/serve/serve-reports.ts";

test("connections over the limit are logged at once, and then counted for ten seconds", () => {
  const lines: string[] = [];
  const output = { isTerminal: false, write: (text: string) => lines.push(text) };
  let time = 0;
  const onRefused = createConnectionLimitLog(
    createLog(output, { format: "json", now: () => 0 }),
    () => time,
  );
  const counts = () => lines.map((line) => JSON.parse(line).refused);
  onRefused("rate_limit");
  expect(counts()).toEqual([]);
  for (let i = 0; i < 5; i++) onRefused("connection_limit");
  expect(counts()).toEqual([1]);
  time = 10_000;
  onRefused("connection_share");
  expect(counts()).toEqual([1, 5]);
});

test("the first web page that is refused is logged with the flag to set, on one line", () => {
  const lines: string[] = [];
  const output = { isTerminal: false, write: (text: string) => lines.push(text) };
  const onRefused = createCorsOriginLog(createLog(output, { now: () => 0 }));
  onRefused("rate_limit");
  for (let i = 0; i < 3; i++) {
    onRefused("cors_origin", { origin: `https://${i}\u001b[2J\n"${"x".repeat(9000)}` });
  }
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^1970-01-01T00:00:00.000Z warn {2}a web page of origin "https:\/\/0\\u001b\[2J\\n\\"x{75}"… was refused: set --cors-origin to allow an origin; further refusals are only counted\n$/,
  );
});
