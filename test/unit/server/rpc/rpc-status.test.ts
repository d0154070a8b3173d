import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { DiscoveryError } from "../../../../src/errors.ts";
import { rpcCodeName, rpcStatus } from "../../../../src/server/rpc/rpc-status.ts";

test("a refusal is told in the registry's words", () => {
  const refusal = new DiscoveryError("ERR_TTL_TOO_LARGE", "ttl is too large");
  expect(rpcStatus(refusal)).toEqual({ code: Code.InvalidArgument, message: "ttl is too large" });
});

test("a full cluster, affiliate, registry or service is ResourceExhausted", () => {
  for (const code of [
    "ERR_TOO_MANY_AFFILIATES",
    "ERR_TOO_MANY_ENDPOINTS",
    "ERR_TOO_MANY_CLUSTERS",
    "ERR_TOO_MANY_AFFILIATES_IN_TOTAL",
    "ERR_TOO_MANY_WATCHES",
    "ERR_RATE_LIMITED",
  ] as const) {
    expect(rpcStatus(new DiscoveryError(code, "full")).code).toBe(Code.ResourceExhausted);
  }
});

test("a closed registry is Unavailable, so that clients try again", () => {
  const { code } = rpcStatus(new DiscoveryError("ERR_REGISTRY_CLOSED", "closed"));
  expect(code).toBe(Code.Unavailable);
});

test.each([
  new Error("connect ECONNREFUSED 10.0.0.5:6379"),
  new DiscoveryError("ERR_FILE_UNREADABLE", "/var/secret"),
  Object.assign(new Error("/var/secret"), { name: "DiscoveryError", code: "ERR_OF_A_NEWER_COPY" }),
  "a string",
  undefined,
])("a stranger is not told what failed inside: %s", (error) => {
  expect(rpcStatus(error)).toEqual({ code: Code.Internal, message: "internal error" });
});

test("the reason of an ended call is passed on", () => {
  const late = new ConnectError("the operation timed out", Code.DeadlineExceeded);
  expect(rpcStatus(late)).toEqual({
    code: Code.DeadlineExceeded,
    message: "the operation timed out",
  });
  expect(rpcStatus(AbortSignal.abort().reason).code).toBe(Code.Canceled);
});

test("status names are those of gRPC's metrics", () => {
  expect(rpcCodeName(Code.InvalidArgument)).toBe("InvalidArgument");
  expect(rpcCodeName(Code.Canceled)).toBe("Canceled");
});
