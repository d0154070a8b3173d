/**
 * Which of a peer's endpoints to try.
 * @module
 */
import type { PeerState } from "../resources/kubespan.ts";

/** What the choice depends on. */
export interface EndpointChoice {
  /** `IP:port`, those that this node may try, in the peer's order. */
  readonly endpoints: readonly string[];
  /** The endpoint that was last set. Absent where none was tried yet. */
  readonly lastUsed?: string | undefined;
  readonly state: PeerState;
}

/**
 * The endpoint to set now: while a peer is down, or none was tried yet, the one after the last used
 * one, in a circle.
 *
 * @returns `undefined` to leave things as they are: the peer is up or may yet answer, or there is
 *   no other endpoint. Where the last used one is no longer listed, the circle begins anew.
 * @example
 * nextEndpoint({ endpoints: ["10.0.0.1:51820", "192.0.2.1:51820"], lastUsed: "10.0.0.1:51820", state: "down" }); // "192.0.2.1:51820"
 */
export function nextEndpoint({ endpoints, lastUsed, state }: EndpointChoice): string | undefined {
  if (lastUsed === undefined) return endpoints[0];
  if (state !== "down") return undefined;
  const circle = [...new Set(endpoints)];
  const next = circle[(circle.indexOf(lastUsed) + 1) % circle.length];
  return next === lastUsed ? undefined : next;
}
