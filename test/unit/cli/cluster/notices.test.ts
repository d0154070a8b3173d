import { expect, test } from "vitest";
import {
  DropSummary,
  describeFailure,
  FailureNotices,
} from "../../../../src/cli/cluster/notices.ts";
import type { DropReport } from "../../../../src/client/index.ts";

const PLACE = "http://127.0.0.1:3000";

test.each([
  [
    "[internal] Protocol error",
    "speaks no HTTP/2: is this a discovery service? ([internal] Protocol error)",
  ],
  [
    "[unknown] unsupported content type text/html",
    "answers, but not as a discovery service does ([unknown] unsupported content type text/html)",
  ],
  [
    "[unimplemented] HTTP 404",
    "answers, but not as a discovery service does ([unimplemented] HTTP 404)",
  ],
  [
    "[canceled] http/2 stream closed with error code CANCEL (0x8)",
    "closed the connection: a restart, or https:// instead of http://? ([canceled] http/2 stream closed with error code CANCEL (0x8))",
  ],
  [
    "[internal] 40:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:",
    "speaks no TLS: http:// instead of https://?",
  ],
  [
    "[internal] self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca",
    "has a certificate that is not trusted here: see --ca-file ([internal] self-signed certificate)",
  ],
  [
    "[internal] unable to verify the first certificate",
    "has a certificate that is not trusted here: see --ca-file ([internal] unable to verify the first certificate)",
  ],
  [
    "[internal] unable to get local issuer certificate",
    "has a certificate that is not trusted here: see --ca-file ([internal] unable to get local issuer certificate)",
  ],
])("what libraries say of a wrong place is explained: %s", (said, explained) => {
  expect(describeFailure(new Error(`${PLACE}: ${said}`))).toBe(`${PLACE} ${explained}`);
});

test("what explains itself stays as it is, in one line", () => {
  const said = `${PLACE}: [unavailable] connect ECONNREFUSED`;
  expect(describeFailure(new Error(`${said}\n`))).toBe(said);
  expect(describeFailure(new Error("Protocol error"))).toBe("Protocol error");
  // Of an API server: its certificates stand in the kubeconfig.
  const api = "https://10.0.0.1:6443: self-signed certificate in certificate chain";
  expect(describeFailure(new Error(api))).toBe(api);
});

test("a failure that lasts is told once a minute, another one at once", () => {
  let now = 0;
  const notices = new FailureNotices(() => now);
  expect(notices.line(new Error("a"), 500)).toBe("a; again in 0.5 s");
  now = 59_999;
  expect(notices.line(new Error("a"), 500)).toBeUndefined();
  expect(notices.line(new Error("b"), 1234)).toBe("b; again in 1.2 s");
  now = 60_000;
  expect(notices.line(new Error("a"), 30_000)).toBe("a; again in 30.0 s");
});

/** The line that is told of a report. */
function lineOf(drops: DropSummary, report: DropReport): string | undefined {
  let line: string | undefined;
  drops.add(report, (text) => {
    line = text;
  });
  return line;
}

const unopened = (nodeId: string) => ({ reason: "affiliate_tag_mismatch", nodeId }) as const;

test("nothing dropped is no line", () => {
  expect(new DropSummary().summary(3)).toBeUndefined();
});

test("each affiliate counts once, under the reason of its last report", () => {
  const drops = new DropSummary();
  expect(lineOf(drops, unopened("a"))).toBe("affiliate a is not shown: sealed with another secret");
  expect(lineOf(drops, unopened("a"))).toBeUndefined();
  drops.add({ reason: "affiliate_too_short", nodeId: "b", bytes: 3 });
  drops.add({ reason: "affiliate_malformed", nodeId: "c" });
  expect(lineOf(drops, { reason: "affiliate_id_mismatch", nodeId: "a", sealedNodeId: "d" })).toBe(
    "affiliate a is not shown: listed under another node's ID",
  );
  expect(drops.summary(1)).toBe(
    "3 of 4 affiliates did not open: listed under another node's ID, bad data",
  );
});

test("bad endpoints cost no affiliate", () => {
  const drops = new DropSummary();
  expect(lineOf(drops, { reason: "endpoint_malformed", nodeId: "a", index: 0 })).toBeUndefined();
  expect(lineOf(drops, { reason: "endpoints_over_limit", nodeId: "a", count: 9 })).toBeUndefined();
  expect(drops.summary(1)).toBeUndefined();
});

test("affiliates over the limit count, too", () => {
  const drops = new DropSummary();
  expect(lineOf(drops, { reason: "affiliates_over_limit", nodeId: "a", count: 10 })).toBe(
    "the service lists 10 affiliates too many, which are not shown",
  );
  expect(drops.summary(4096)).toBe("10 of 4106 affiliates did not open: too many at once");
});

test("somebody who writes wrongly all the time fills no log and no memory", () => {
  const drops = new DropSummary();
  const lines: string[] = [];
  for (let number = 0; number < 10_000; number++) {
    drops.add(unopened(`stranger-${number}`), (line) => lines.push(line));
  }
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toBe("further affiliates that are not shown are not told of");
  expect(drops.summary(1)).toBe("4096 of 4097 affiliates did not open: sealed with another secret");
});

test("what is only counted leaves room for what is told", () => {
  const drops = new DropSummary();
  for (let number = 0; number < 1000; number++) drops.add(unopened(`early-${number}`));
  expect(lineOf(drops, unopened("late"))).toContain("affiliate late is not shown");
});
