/**
 * How much a reader takes in any case before it says more.
 * @module
 */
import type { ServerResponse } from "node:http";
import type { Http2ServerResponse, Http2Session } from "node:http2";

/** RFC 9113 section 6.5.2: unless the peer says something else. */
const DEFAULT_INITIAL_WINDOW_BYTES = 65_535;

/** Of HTTP/2, by the settings that the peer has sent; HTTP/1.1 has no window of its own. */
export function initialWindowBytes(response: ServerResponse | Http2ServerResponse): number {
  if (!("stream" in response)) return Number.POSITIVE_INFINITY;
  return sessionWindowBytes(response.stream?.session);
}

/** For streams that the peer opens from now on. */
export function sessionWindowBytes(session: Http2Session | undefined): number {
  if (session === undefined || session.destroyed) return 0;
  return session.remoteSettings?.initialWindowSize ?? DEFAULT_INITIAL_WINDOW_BYTES;
}
