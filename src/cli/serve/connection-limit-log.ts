/**
 * Tells the operator that connections are refused, without a line for each.
 * @module
 */
import type { RefusalReason } from "../../server/rpc/refusal-reason.ts";
import type { Log } from "./log.ts";

const INTERVAL_MS = 10_000;

/**
 * Makes a hook that warns at the first connection over the limit, and then at most every 10 seconds with how many there were
 * since. Other reasons are left to metrics.
 */
export function createConnectionLimitLog(
  log: Log,
  now: () => number = () => performance.now(),
): (reason: RefusalReason) => void {
  let refused = 0;
  let quietUntil = Number.NEGATIVE_INFINITY;
  return (reason) => {
    if (reason !== "connection_limit") return;
    refused += 1;
    if (now() < quietUntil) return;
    log.warn("too many connections: new ones are closed", { refused });
    refused = 0;
    quietUntil = now() + INTERVAL_MS;
  };
}
