/**
 * Nodes that a service has forgotten, and that have not had the time to tell it again.
 * @module
 */
import { MAX_TTL_MS } from "../../protocol/limits.ts";
import type { ExportedState } from "./member-selection.ts";

/**
 * A service that comes back without what it knew is empty at first. Clients of the reference try
 * again after 60 s and half as much more, at the most.
 */
const RETURN_MS = 90_000;

/** A node that is alive publishes itself anew in this time, also where it has noticed nothing. */
const REFRESH_MS = MAX_TTL_MS / 2;

/** What is known, completed by what was known, for a while after a registry came back. */
export class AbsentNodes {
  #last: ExportedState | undefined;
  #untilMs = 0;
  /** By node ID: when those that are waited for were first missing. */
  #missingSince: ReadonlyMap<string, number> = new Map();

  /** A registry is there again that had not been. */
  onReturn(nowMs: number): void {
    if (this.#last !== undefined) this.#untilMs = nowMs + RETURN_MS;
  }

  /**
   * When to look again, as one of the absent nodes is then waited for no longer; `undefined` where
   * none are.
   */
  waitMs(nowMs: number): number | undefined {
    if (this.#missingSince.size === 0) return undefined;
    const ends = Array.from(this.#missingSince.values(), (sinceMs) => this.#endOf(sinceMs));
    return Math.max(0, Math.min(...ends) - nowMs);
  }

  /**
   * Takes what is known now.
   *
   * @param state - Live; what comes back is not.
   * @returns The same, with nodes of the last time that are missing and waited for. One with a new
   *   name has the new name.
   */
  complete({ affiliates, members }: ExportedState, nowMs: number): ExportedState {
    const missing = new Map<string, number>();
    for (const nodeId of this.#last?.affiliates.keys() ?? []) {
      const sinceMs = this.#missingSince.get(nodeId) ?? nowMs;
      if (!affiliates.has(nodeId) && nowMs < this.#endOf(sinceMs)) missing.set(nodeId, sinceMs);
    }
    const all: ExportedState = {
      affiliates: new Map([
        ...[...(this.#last?.affiliates ?? [])].filter(([nodeId]) => missing.has(nodeId)),
        ...affiliates,
      ]),
      members: new Map([
        ...[...(this.#last?.members ?? [])].filter(([, { spec }]) => missing.has(spec.nodeId)),
        ...members,
      ]),
    };
    this.#last = all;
    this.#missingSince = missing;
    return all;
  }

  /**
   * A service that comes back again and again, as behind a proxy that cuts quiet streams, keeps no
   * node for ever.
   */
  #endOf(missingSinceMs: number): number {
    return Math.min(this.#untilMs, missingSinceMs + REFRESH_MS);
  }
}
