/**
 * What a caller is told when a call fails. The texts of refusals are the registry's.
 * @see docs/protocol.md, "What the server does"
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { type DiscoveryError, errorTraits, isDiscoveryError } from "../../errors.ts";

/** Name of an RPC status, as gRPC spells it in metrics. */
export type RpcCode = "OK" | keyof typeof Code;

/** How a call failed, as the caller sees it. */
export interface RpcStatus {
  readonly code: Code;
  readonly message: string;
}

/**
 * Why a call ends whose answer cannot go any further. The same for all, since nobody changes it:
 * thousands of calls may end at once, and an error for each would cost as much as all the rest.
 */
export const CALLER_LEFT: ConnectError = /* @__PURE__ */ new ConnectError(
  "the call was canceled",
  Code.Canceled,
);

const INTERNAL: RpcStatus = { code: Code.Internal, message: "internal error" };

/**
 * The status for anything that a procedure throws.
 *
 * A caller is told only what is wrong with its request. Everything else is `Internal` without
 * details: those are for the operator's hook.
 */
export function rpcStatus(error: unknown): RpcStatus {
  if (isDiscoveryError(error)) return refusalStatus(error);
  // Deadlines and cancellation arrive as the reason of an aborted signal.
  if (error instanceof ConnectError) return { code: error.code, message: error.rawMessage };
  if (error instanceof Error && error.name === "AbortError") {
    return { code: CALLER_LEFT.code, message: CALLER_LEFT.rawMessage };
  }
  return INTERNAL;
}

/** The name of a status code: `InvalidArgument`. */
export function rpcCodeName(code: Code): RpcCode {
  return Code[code] as keyof typeof Code;
}

/** Other codes are not refusals: a service never decodes the sealed data of a request. */
function refusalStatus(error: DiscoveryError): RpcStatus {
  const traits = errorTraits(error);
  if (traits?.kind !== "refused") return INTERNAL;
  const { code, message } = error;
  return {
    code: Code[traits.rpcCode],
    // Which part is closed is not for callers.
    message: code === "ERR_REGISTRY_CLOSED" ? "the service is shutting down" : message,
  };
}
