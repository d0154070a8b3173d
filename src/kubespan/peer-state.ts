/**
 * Whether a peer answers, as far as WireGuard's handshakes tell.
 * @module
 */
import type { PeerState } from "../resources/kubespan.ts";

/**
 * How long an endpoint that was just set may take: WireGuard's Keepalive-Timeout (10 s) and
 * Rekey-Timeout (5 s).
 */
export const ENDPOINT_PATIENCE_MS = 15_000;

/**
 * How long a handshake proves a peer alive: WireGuard's Reject-After-Time (180 s),
 * Rekey-Attempt-Time (90 s) and Rekey-Timeout (5 s), after which a peer in use has a newer one.
 */
export const HANDSHAKE_LIFETIME_MS = 275_000;

/** What a peer's state follows from. Instants are ms since 1970, of one clock. */
export interface PeerObservation {
  /** Absent where there was none. */
  readonly lastHandshakeAtMs?: number | undefined;
  /**
   * When the endpoint was last set or seen to change. Absent where the peer never had one. Where
   * handshakes are known to the second only, as from `wg show`, this must be cut to the second as
   * well: else one that follows at once looks older.
   */
  readonly endpointChangedAtMs?: number | undefined;
}

/**
 * The state of a peer.
 *
 * - Up to 15 s after its endpoint changed: up with a handshake since then, else unknown.
 * - Then up to 275 s after it: up with a handshake since then, else down.
 * - Later: up with a handshake in the last 275 s, else down.
 *
 * A peer that would be down and never had an endpoint is unknown: nobody has tried to reach it.
 *
 * @example
 * peerState({ endpointChangedAtMs: 0 }, 15_001); // "down"
 */
export function peerState(
  {
    lastHandshakeAtMs: handshake = Number.NEGATIVE_INFINITY,
    endpointChangedAtMs: changed = Number.NEGATIVE_INFINITY,
  }: PeerObservation,
  nowMs: number,
): PeerState {
  const sinceChangeMs = nowMs - changed;
  if (sinceChangeMs > HANDSHAKE_LIFETIME_MS) {
    if (nowMs - handshake <= HANDSHAKE_LIFETIME_MS) return "up";
    return changed === Number.NEGATIVE_INFINITY ? "unknown" : "down";
  }
  if (handshake >= changed) return "up";
  return sinceChangeMs <= ENDPOINT_PATIENCE_MS ? "unknown" : "down";
}
