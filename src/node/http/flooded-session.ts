/**
 * The end of an HTTP/2 connection whose client sends too much that is of no use.
 * @module
 */
import { constants, type Http2Session } from "node:http2";

/** Closes a connection with GOAWAY, once what is written has gone out. */
export function closeFloodedSession(session: Http2Session): void {
  setImmediate(() => {
    if (session.destroyed) return;
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    session.destroy();
  });
}
