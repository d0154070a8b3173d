/**
 * Who makes a call that came through Connect's handler.
 * @module
 */
import {
  Code,
  ConnectError,
  type ContextKey,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import type { Prefix } from "../../net/prefix.ts";
import { type ClientHeaders, clientAddress, registryClient } from "../limits/client-address.ts";
import type { Caller } from "./caller.ts";
import { CALLER_LEFT } from "./rpc-status.ts";

/** The IP at the other end of the connection, as text; set by whoever holds the connection. */
export const peerAddressKey: ContextKey<string | undefined> = /* @__PURE__ */ createContextKey<
  string | undefined
>(undefined, {
  description: "IP of the connection's peer",
});

/** Called for a call that is malformed; set by whoever holds the connection. */
export const malformedKey: ContextKey<(() => void) | undefined> = /* @__PURE__ */ createContextKey<
  (() => void) | undefined
>(undefined, {
  description: "what follows a malformed call",
});

/** The caller of a call. */
export function connectCaller(
  { requestHeader, values, signal, timeoutMs }: HandlerContext,
  trustedProxies: readonly Prefix[],
  options: ClientHeaders,
): Caller {
  const clientIp = () =>
    clientAddress(requestHeader, values.get(peerAddressKey), trustedProxies, options);
  let callerSignal: AbortSignal | undefined;
  return {
    get signal() {
      callerSignal ??= withCallerReason(signal);
      return callerSignal;
    },
    clientIp,
    client: () => registryClient(clientIp()),
    timeoutMs,
  };
}

/**
 * A caller that resets its stream or connection has left, whatever code it gives: Connect would
 * take its `INTERNAL_ERROR` for a failure of ours.
 */
function withCallerReason(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const onAbort = () => {
    const { reason } = signal;
    const isDeadline = reason instanceof ConnectError && reason.code === Code.DeadlineExceeded;
    controller.abort(isDeadline ? reason : CALLER_LEFT);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return controller.signal;
}
