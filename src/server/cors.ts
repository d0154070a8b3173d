/**
 * CORS: which web pages may call the service from a browser.
 *
 * Without it, every page that somebody opens could read and write an internal service through that
 * person's browser, so no origin is allowed until the operator names it.
 * @module
 */
import { cors as connectCors } from "@connectrpc/connect";
import type {
  UniversalHandlerFn,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { quote } from "../net/quote.ts";
import type { RefusalDetails } from "./rpc/call-report.ts";
import type { RefusalReason } from "./rpc/refusal-reason.ts";

/** Origins that CORS allows, as browsers send them, or all. */
export type AllowedOrigins = "*" | ReadonlySet<string>;

/** Reports that a request was refused. */
export type RefuseRequest = (
  request: UniversalServerRequest,
  reason: RefusalReason,
  details?: RefusalDetails,
) => void;

/** How long a browser may keep the answer to a preflight, in seconds: Chromium's maximum. */
const PREFLIGHT_MAX_AGE_S = 7200;

/**
 * Scheme, host and port. `*` is refused, since it would stand for a wildcard that does not exist.
 */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\\*\s\p{C}]+$/iu;

/**
 * Checks one origin.
 *
 * @param name - What the error calls the value: an option or a flag.
 * @returns The origin as browsers send it: lower case, in Punycode, without a default port.
 * @throws {RangeError} If the text is neither an origin nor `*`.
 * @example
 * parseCorsOrigin("https://Page.Example:443"); // "https://page.example"
 */
export function parseCorsOrigin(text: string, name = ""): string {
  if (text === "*") return text;
  if (!ORIGIN.test(text) || !URL.canParse(text)) {
    const what = name === "" ? "" : `${name} `;
    throw new RangeError(
      `invalid ${what}${quote(text)}: expected an origin like https://example.org, or *`,
    );
  }
  const { protocol, host } = new URL(text);
  return `${protocol}//${host.toLowerCase()}`;
}

/**
 * Checks a list of origins.
 *
 * @param origins - `*`, also as an item, allows all.
 * @throws {RangeError} For the first that is invalid.
 */
export function parseCorsOrigins(origins: "*" | readonly string[]): AllowedOrigins {
  const list = typeof origins === "string" ? [origins] : origins;
  const allowed = new Set(list.map((origin) => parseCorsOrigin(origin, "corsOrigins")));
  return allowed.has("*") ? "*" : allowed;
}

/**
 * Answers preflights, and adds the headers of CORS to what `service` answers.
 *
 * A request of an origin that is not allowed is answered without these headers: the browser then
 * keeps the answer from the page, and sends no call at all if the answer is that to a preflight.
 * Both are reported to `refuse`.
 */
export function withCors(
  service: UniversalHandlerFn,
  allowed: AllowedOrigins,
  refuse: RefuseRequest | undefined,
): UniversalHandlerFn {
  return async (request) => {
    const { method, header } = request;
    const origin = header.get("origin");
    const isPreflight =
      origin !== null && method === "OPTIONS" && header.has("access-control-request-method");
    const response = isPreflight ? { status: 204 } : await service(request);
    // Statistics are for every page.
    if (response.header?.has("access-control-allow-origin")) return response;
    const judged = judgeOrigin(allowed, origin, header.get("sec-fetch-site"), isPreflight);
    if (origin !== null && judged.isRefused) refuse?.(request, "cors_origin", { origin });
    return withHeaders(response, judged.headers);
  };
}

/** What CORS says of one request. */
export interface JudgedOrigin {
  /** For the answer. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Whether the browser keeps the answer from a page of this origin, which is to be reported. */
  readonly isRefused: boolean;
}

/**
 * Judges the origin of a request.
 *
 * @param origin - `null` if the request has none.
 * @param fetchSite - Its header `Sec-Fetch-Site`.
 */
export function judgeOrigin(
  allowed: AllowedOrigins,
  origin: string | null,
  fetchSite: string | null,
  isPreflight = false,
): JudgedOrigin {
  const isAllowed = origin !== null && (allowed === "*" || allowed.has(origin));
  return {
    headers: [
      // Caches must keep the answers to different origins apart, also those without a permission.
      ...(allowed !== "*" && allowed.size > 0 ? [["Vary", "Origin"] as const] : []),
      ...(isAllowed ? permission(allowed === "*" ? "*" : origin, isPreflight) : []),
    ],
    // Browsers send the origin of the service's own page too.
    isRefused: origin !== null && !isAllowed && fetchSite !== "same-origin",
  };
}

function permission(origin: string, isPreflight: boolean): readonly (readonly [string, string])[] {
  return [
    ["Access-Control-Allow-Origin", origin],
    ...(isPreflight
      ? ([
          ["Access-Control-Allow-Methods", connectCors.allowedMethods.join(", ")],
          ["Access-Control-Allow-Headers", connectCors.allowedHeaders.join(", ")],
          ["Access-Control-Max-Age", String(PREFLIGHT_MAX_AGE_S)],
        ] as const)
      : ([["Access-Control-Expose-Headers", connectCors.exposedHeaders.join(", ")]] as const)),
  ];
}

function withHeaders(
  response: UniversalServerResponse,
  headers: readonly (readonly [string, string])[],
): UniversalServerResponse {
  if (headers.length === 0) return response;
  const header = response.header ?? new Headers();
  for (const [name, value] of headers) {
    if (name === "Vary") header.append(name, value);
    else header.set(name, value);
  }
  return { ...response, header };
}
