/**
 * Where a runtime that takes Node's place differs from it.
 * @module
 */
import { versions } from "node:process";

/**
 * Deno closes an HTTP/1.1 connection that was handed to a server after its first answer (seen with 2.9.6), though the
 * answer promised to keep it; a caller that sends its next request then loses it.
 */
export const KEEPS_HANDED_HTTP1: boolean = versions.deno === undefined;
