/**
 * Why something failed, in words for a finding.
 * @module
 */
import { outsideText } from "../text.ts";

/** The code of an error of the runtime, `ECONNREFUSED`, or of the first of its causes that has one. */
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

/** An error's message, as {@link outsideText}. */
export function errorText(error: unknown): string {
  return outsideText(error instanceof Error ? error.message : String(error));
}
