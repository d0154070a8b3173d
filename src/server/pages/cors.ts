/**
 * Which web pages may call the service from a browser.
 * @module
 */
import { cors as connectCors } from "@connectrpc/connect";

export interface CorsOptions {
  /**
   * Origins like `https://example.org`, or `*` for all, which is safe where no credentials are involved: the service
   * knows none. @default "*"
   */
  readonly allowedOrigins?: "*" | readonly string[] | undefined;
}

/** How long a browser may keep the answer to a preflight, in seconds: Chromium's maximum. */
const PREFLIGHT_MAX_AGE_S = 7200;

/**
 * The headers to add to an answer.
 *
 * @param origin - The request's `Origin`; only browsers send it.
 * @param preflight - Whether the request asks for permission only.
 */
export function corsHeaders(
  options: CorsOptions,
  origin: string | null,
  preflight: boolean,
): readonly (readonly [string, string])[] {
  const { allowedOrigins = "*" } = options;
  if (origin === null) return [];
  const headers: [string, string][] = [];
  if (allowedOrigins !== "*") {
    // Caches must keep the answers to different pages apart, refusals too.
    headers.push(["Vary", "Origin"]);
    if (!allowedOrigins.includes(origin)) return headers;
  }
  headers.push(["Access-Control-Allow-Origin", allowedOrigins === "*" ? "*" : origin]);
  if (preflight) {
    headers.push(
      ["Access-Control-Allow-Methods", connectCors.allowedMethods.join(", ")],
      ["Access-Control-Allow-Headers", connectCors.allowedHeaders.join(", ")],
      ["Access-Control-Max-Age", String(PREFLIGHT_MAX_AGE_S)],
    );
  } else {
    headers.push(["Access-Control-Expose-Headers", connectCors.exposedHeaders.join(", ")]);
  }
  return headers;
}
