import { expect, test } from "vitest";
import { createLog } from "../../../../src/cli/serve/log.ts";
import {
  createCorsOriginLog,
  createServeReports,
} from "../../../../src/cli/serve/serve-reports.ts";

import { DiscoveryError } from "../../../../src/errors.ts";
import type { CallReport } from "../../../../src/server/index.ts";

function report(fields: Partial<CallReport>): CallReport {
  return {
    method: "Hello",
    path: "fast",
    code: "OK",
    durationMs: 1,
    clientAddress: "10.0.0.1",
    clusterId: "c",
    affiliateId: undefined,
    clientVersion: undefined,
    messagesSent: 1,
    error: undefined,
    ...fields,
  };
}

test.each([true, false])(
  "refused calls, requests and connections are logged by reason and client, with metrics: %s",
  (hasMetrics) => {
    const lines: string[] = [];
    const output = { isTerminal: false, write: (text: string) => lines.push(text) };
    const reports = createServeReports(createLog(output, { format: "json" }), hasMetrics);
    const { hooks } = reports;
    hooks.onRefused?.("connection_limit", { clientAddress: "10.0.0.2" });
    const error = new DiscoveryError("ERR_RATE_LIMITED", "rate limit");
    hooks.onCallEnd?.(report({ code: "ResourceExhausted", error }));
    hooks.onCallEnd?.(report({ code: "Canceled", error: new Error("left") }));
    hooks.onCallEnd?.(report({}));
    reports.flush();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: "info", msg: "refused", reason: "connection_limit", clients: "10.0.0.2 (1)" },
      { level: "info", msg: "refused", reason: "rate_limit", clients: "10.0.0.1 (1)" },
    ]);
  },
);

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
