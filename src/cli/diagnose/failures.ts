/**
 * Why something failed, in words for a finding: the runtime's errors, and calls by their gRPC
 * status.
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { errorText, outsideText } from "../text.ts";
import type { Finding } from "./check.ts";

/** The code of a runtime's error, `ECONNREFUSED`, or of the first of its causes that has one. */
export function errorCode(error: unknown): string | undefined {
  for (let reason = error, depth = 0; reason instanceof Error && depth < 8; depth++) {
    const { code, cause } = reason as { readonly code?: unknown; readonly cause?: unknown };
    if (typeof code === "string" && !code.startsWith("ERR_SERVICE")) return code;
    reason = cause;
  }
  return undefined;
}

/** Why something failed: the error, or that `signal` had ended it. */
export function failureText(error: unknown, signal: AbortSignal): string {
  return errorText(signal.aborted ? signal.reason : error);
}

/** Explains what a call of the service threw. `details.code` is gRPC's name of the status. */
export function explainCallFailure(error: unknown, signal: AbortSignal): Finding {
  const failure = ConnectError.from(signal.aborted ? signal.reason : error);
  const code = signal.aborted ? Code.DeadlineExceeded : failure.code;
  const message = outsideText(failure.rawMessage);
  const name = Code[code];
  return {
    status: "failed",
    summary: `${name}: ${message === "" ? "no message" : message}`,
    hint: hintFor(code, message),
    details: { code: name, message },
  };
}

function hintFor(code: Code, message: string): string {
  const httpStatus = Number(/^HTTP (\d{3})$/.exec(message)?.[1]);
  if (httpStatus >= 502 && httpStatus <= 504) {
    return "A proxy in front has no service behind it: is the service running, and does the proxy speak HTTP/2 (gRPC) to it?";
  }
  if (httpStatus === 401 || httpStatus === 403) {
    return "A proxy in front asks who we are; nodes cannot say: let gRPC through without a login.";
  }
  if (httpStatus === 429) return "A proxy in front limits calls: allow more for this service.";
  if (!Number.isNaN(httpStatus) || message.startsWith("unsupported content type")) {
    return "A web server answers, not a discovery service: correct the URL, or have the proxy pass gRPC on.";
  }
  switch (code) {
    case Code.DeadlineExceeded:
    case Code.Canceled:
      return "The service takes connections and does not answer: look into its log and its load.";
    case Code.ResourceExhausted:
      return "Too many calls from this IP (perhaps all nodes behind one NAT or proxy), or the service is full: wait, or raise its limits (--rate-limit, --trusted-proxies).";
    case Code.PermissionDenied:
      return "The service takes only listed clusters: have its operator add this cluster's ID (--cluster-allow-list).";
    case Code.InvalidArgument:
      return "The service refuses what was sent: is the cluster's ID right?";
    case Code.Unimplemented:
      return "A gRPC server answers, but it is no discovery service: correct the URL.";
    case Code.Unavailable:
      return "The service is stopping or overloaded: try again, and look into its log.";
    case Code.Unauthenticated:
      return "Something in front asks who we are; nodes cannot say: let gRPC through without a login.";
    default:
      return "Look into the service's log, and the log of any proxy in front.";
  }
}
