/**
 * What our port fails of h2spec, and why: all of it is the behaviour of nghttp2, the HTTP/2 library inside Node.
 * @module
 */

const FORGOTTEN =
  "nghttp2 forgets a closed stream, and passes over frames for it, which may have been under way when it closed";

const PRIORITY =
  "nghttp2 passes over PRIORITY frames unread: RFC 9113 section 5.3.2 took priorities out of the protocol";

/** By the names of h2spec's tests. */
export const KNOWN_FAILURES: ReadonlyMap<string, string> = new Map([
  ["http2/5.1: closed: Sends a DATA frame after sending RST_STREAM frame", FORGOTTEN],
  ["http2/5.1: closed: Sends a HEADERS frame after sending RST_STREAM frame", FORGOTTEN],
  ["http2/5.1: closed: Sends a DATA frame", FORGOTTEN],
  ["http2/5.1: closed: Sends a HEADERS frame", FORGOTTEN],
  [
    "http2/5.1.1: Sends stream identifier that is numerically smaller than previous",
    "nghttp2 takes it for a frame of a stream that it has forgotten, as above",
  ],
  ["http2/5.3.1: Sends PRIORITY frame that depend on itself", PRIORITY],
  ["http2/6.3: Sends a PRIORITY frame with 0x0 stream identifier", PRIORITY],
  [
    "http2/6.7: Sends a PING frame with ACK",
    "Node closes a connection that acknowledges a PING which was never sent; h2spec expects that it is passed over",
  ],
  [
    "http2/6.9.1: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream",
    "the whole connection is closed, where a reset of the one stream would do",
  ],
]);
