/**
 * Frames of HTTP/2 in amounts that no client sends, from one address.
 * @module
 */
import { FLOODS } from "../../harness/net/floods.ts";
import type { Attack } from "../harness/attacker.ts";

/** Duration of each kind. */
const SECONDS = 0.7;

export const FRAME_FLOODS: readonly Attack[] = Array.from(FLOODS, ([name, flood]) => ({
  name,
  run: async ({ target }) => {
    const end = performance.now() + SECONDS * 1000;
    // The service closes most of them at once: connect again.
    while (performance.now() < end) await flood(target, end - performance.now());
  },
}));
