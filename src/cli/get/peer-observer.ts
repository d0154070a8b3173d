/**
 * WireGuard says where its peers are now, not since when: that has to be seen.
 * @module
 */
import { peerState, type WireguardPeerStatus, type WireguardStatus } from "../../kubespan/index.ts";
import type { PeerState } from "../../resources/index.ts";

/** A peer as WireGuard has it, its state, and what was seen of it before. */
export interface ObservedPeer extends WireguardPeerStatus {
  readonly state: PeerState;
  /** ms since 1970. Absent where it was not seen to change. */
  readonly endpointChangedAtMs: number | undefined;
}

interface SeenEndpoint {
  readonly endpoint: string | undefined;
  readonly changedAtMs?: number;
}

/** Remembers which endpoint each peer had, and when it got another. */
export class PeerObserver {
  readonly #now: () => number;
  #seen: ReadonlyMap<string, SeenEndpoint> = new Map();

  /** @param now - ms since 1970, of the clock that handshakes are told by. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** @returns By public key, in WireGuard's order. */
  observe({ peers }: WireguardStatus): Map<string, ObservedPeer> {
    const nowMs = this.#now();
    const before = this.#seen;
    const seen = new Map<string, SeenEndpoint>();
    const observed = new Map<string, ObservedPeer>();
    for (const [key, peer] of peers) {
      const sight = look(before.get(key), peer.endpoint, nowMs);
      seen.set(key, sight);
      observed.set(key, {
        ...peer,
        endpointChangedAtMs: sight.changedAtMs,
        state: stateOf(peer, sight, nowMs),
      });
    }
    this.#seen = seen;
    return observed;
  }
}

function look(
  before: SeenEndpoint | undefined,
  endpoint: string | undefined,
  nowMs: number,
): SeenEndpoint {
  if (before === undefined) return { endpoint };
  if (before.endpoint === endpoint) return before;
  // Handshakes are known to the second, and what they are compared with must be too.
  return { endpoint, changedAtMs: nowMs - (nowMs % 1000) };
}

function stateOf(
  { lastHandshakeAtMs }: WireguardPeerStatus,
  { endpoint, changedAtMs }: SeenEndpoint,
  nowMs: number,
): PeerState {
  // Of an endpoint that was there before we looked, nobody knows since when: long ago, then.
  const endpointChangedAtMs = changedAtMs ?? (endpoint === undefined ? undefined : 0);
  return peerState({ lastHandshakeAtMs, endpointChangedAtMs }, nowMs);
}
