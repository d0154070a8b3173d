/**
 * Nodes that a service has forgotten, and that have not had the time to tell it again.
 * @module
 */
import type { ExportedState } from "./member-selection.ts";

/**
 * A service that comes back without what it knew is empty at first. Clients of the reference try again after 60 s and half
 * as much more, at the most.
 */
const RETURN_MS = 90_000;

/** What is known, completed by what was known, for a while after a registry came back. */
export class AbsentNodes {
  #last: ExportedState | undefined;
  #untilMs = 0;

  /** A registry is there again that had not been. */
  onReturn(nowMs: number): void {
    if (this.#last !== undefined) this.#untilMs = nowMs + RETURN_MS;
  }

  /** For how long absent nodes are still waited for; 0 where none are. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs);
  }

  /**
   * Takes what is known now.
   *
   * @param state - Live; what comes back is not.
   * @returns The same, with nodes of the last time that are missing and waited for. One with a new name has the new name.
   */
  complete({ affiliates, members }: ExportedState, nowMs: number): ExportedState {
    const absent = this.waitMs(nowMs) > 0 ? this.#last : undefined;
    const isAbsent = (nodeId: string) => !affiliates.has(nodeId);
    const all: ExportedState = {
      affiliates: new Map([
        ...[...(absent?.affiliates ?? [])].filter(([nodeId]) => isAbsent(nodeId)),
        ...affiliates,
      ]),
      members: new Map([
        ...[...(absent?.members ?? [])].filter(([, { spec }]) => isAbsent(spec.nodeId)),
        ...members,
      ]),
    };
    this.#last = all;
    return all;
  }
}
