import { expect, test } from "vitest";
import { createLog } from "../../../../src/cli/serve/log.ts";
import { createConnectionLimitLog } from "../../../../src/cli/serve/serve-reports.ts";

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
