/**
 * Frames of HTTP/2 in amounts that no client sends, from one address.
 * @module
 */
import { FLOODS } from "../../harness/net/floods.ts";
import type { Attack } from "../harness/attacker.ts";

/** Duration of each kind. */
const SECONDS = 0.6;
/** Of those that a limit of bytes ends after a moment: the good node makes hundreds of calls. */
const LONG_SECONDS = 5.5;

/** All but {@link HEADER_FLOODS}. */
export const FRAME_FLOODS: readonly Attack[] = Array.from(FLOODS.keys())
  .filter((name) => !isHeaderFlood(name))
  .map((name) => frameFlood(name, SECONDS));

/** Those of whose headers no request is made: only the limit of bytes answers them. */
export const HEADER_FLOODS: readonly Attack[] = Array.from(FLOODS.keys())
  .filter(isHeaderFlood)
  .map((name) => frameFlood(name, LONG_SECONDS));

function isHeaderFlood(name: string): boolean {
  return /HPACK bomb|each other's cost/.test(name);
}

function frameFlood(name: string, seconds: number): Attack {
  return {
    name,
    run: async ({ target }) => {
      const end = performance.now() + seconds * 1000;
      // The service closes most of them at once: connect again.
      while (performance.now() < end) await FLOODS.get(name)?.(target, end - performance.now());
    },
  };
}
