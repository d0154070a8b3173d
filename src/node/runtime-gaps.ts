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
 * Whether the streams of `node:http2` behave as Node's do: their order of events, trailers, and flow control are what the
 * fast path for gRPC is built on. Deno and Bun have implementations of their own.
 */
export const GIVES_HTTP2_STREAMS: boolean =
  versions.deno === undefined && versions.bun === undefined;
