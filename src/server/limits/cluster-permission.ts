/**
 * A service for certain clusters only: which, its operator says.
 * @module
 */
import { DiscoveryError } from "../../errors.ts";
import { checkClusterId } from "../../registry/limits.ts";
import type { WatchMessage } from "../../registry/registry.ts";

/**
 * Says whether a cluster may use the service. Asked for every call and every message of a watch;
 * the answer may change.
 */
export type AllowCluster = (clusterId: string) => boolean;

/**
 * @throws {DiscoveryError} `ERR_CLUSTER_NOT_ALLOWED`; for an ID that is none `ERR_CLUSTER_ID_EMPTY`
 *   and `ERR_CLUSTER_ID_TOO_LONG`, as without a list.
 */
export function checkAllowed(clusterId: string, allowCluster: AllowCluster | undefined): void {
  if (allowCluster === undefined || allowCluster(clusterId)) return;
  checkClusterId(clusterId);
  throw new DiscoveryError("ERR_CLUSTER_NOT_ALLOWED", "cluster is not allowed here");
}

/**
 * Passes a watch on for as long as its cluster is allowed: one that is no longer hears nothing
 * more. The watch ends with the refusal when it would have been told something, so that nobody has
 * to tell it of the list.
 */
export function whileAllowed(
  clusterId: string,
  watch: AsyncIterable<WatchMessage>,
  allowCluster: AllowCluster | undefined,
): AsyncIterable<WatchMessage> {
  if (allowCluster === undefined) return watch;
  return {
    [Symbol.asyncIterator]() {
      const inner = watch[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await inner.next();
          if (result.done) return result;
          try {
            checkAllowed(clusterId, allowCluster);
          } catch (error) {
            await inner.return?.();
            throw error;
          }
          return result;
        },
        async return() {
          await inner.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
