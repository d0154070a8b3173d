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

/**
 * Whether the streams of `node:http2` may be answered without its requests and responses, as the fast path for gRPC does. It
 * is built on Node's order of events, trailers and flow control. Bun 1.4.5 ends with `free(): invalid pointer` after some
 * hundred calls; Deno 2.9.6 answers such calls, but nobody has held its flow control to the suite yet.
 */
export const GIVES_HTTP2_STREAMS: boolean =
  versions.deno === undefined && versions.bun === undefined;
