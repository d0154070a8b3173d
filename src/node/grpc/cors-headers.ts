/**
 * CORS for calls on streams: the headers of `server/cors.ts` in the form of `node:http2`.
 * @module
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { type AllowedOrigins, type JudgedOrigin, judgeOrigin } from "../../server/cors.ts";

/** Judges the origin that a request names. */
export function judgeHeaders(allowed: AllowedOrigins, headers: IncomingHttpHeaders): JudgedOrigin {
  const { origin = null } = headers;
  const fetchSite = headers["sec-fetch-site"];
  return judgeOrigin(allowed, origin, typeof fetchSite === "string" ? fetchSite : null);
}

/** The headers that the answer to a request gets. */
export function corsHeaders(
  allowed: AllowedOrigins,
  headers: IncomingHttpHeaders,
): OutgoingHttpHeaders {
  const judged = judgeHeaders(allowed, headers);
  return Object.fromEntries(judged.headers.map(([name, value]) => [name.toLowerCase(), value]));
}
