import { expect, test } from "vitest";
import { DiscoveryError, type DiscoveryErrorCode, errorTraits } from "../../src/errors.ts";

function traitsOf(code: DiscoveryErrorCode) {
  return errorTraits(new DiscoveryError(code, "message"));
}

test("each kind of code has its exit status", () => {
  expect(traitsOf("ERR_CONFIG_INVALID")).toEqual({ kind: "input", exitStatus: 2 });
  expect(traitsOf("ERR_SNAPSHOT_MALFORMED")).toEqual({ kind: "malformed", exitStatus: 1 });
  expect(traitsOf("ERR_LISTEN_FAILED")).toEqual({ kind: "failed", exitStatus: 1 });
});

test("a refusal has its RPC code and its reason", () => {
  expect(traitsOf("ERR_RATE_LIMITED")).toEqual({
    kind: "refused",
    rpcCode: "ResourceExhausted",
    refusalReason: "rate_limit",
    exitStatus: 1,
  });
});

test("a cluster ID that is refused is also wrong input on the command line", () => {
  expect(traitsOf("ERR_CLUSTER_ID_EMPTY")).toMatchObject({ kind: "refused", exitStatus: 2 });
  expect(traitsOf("ERR_AFFILIATE_ID_EMPTY")).toMatchObject({ kind: "refused", exitStatus: 1 });
});

test("an error of another kind, and a code of a newer copy, have no traits", () => {
  const newer = { name: "DiscoveryError", code: "ERR_OF_A_NEWER_COPY" };
  expect(errorTraits(Object.assign(new Error("x"), newer))).toBeUndefined();
  expect(errorTraits(new Error("x"))).toBeUndefined();
  expect(errorTraits(undefined)).toBeUndefined();
});
