/**
 * Frames of HTTP/2 in amounts that no client sends, from one address.
 * @module
 */
import { FLOODS } from "../../harness/net/floods.ts";
import type { Attack } from "../harness/attacker.ts";

const FLOOD_MS = 600;

export const FRAME_FLOODS: readonly Attack[] = Array.from(FLOODS, ([name, flood]) => ({
  name,
  run: ({ target }) => flood(target, FLOOD_MS),
}));
