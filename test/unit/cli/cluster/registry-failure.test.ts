import { expect, test } from "vitest";
import { describeFailure, FailureNotices } from "../../../../src/cli/cluster/registry-failure.ts";

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
