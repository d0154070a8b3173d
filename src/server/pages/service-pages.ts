/**
 * The pages of a service: health for probes, statistics, and what people see in a browser.
 * @module
 */
import { Code } from "@connectrpc/connect";
import { printable, quoteAscii } from "../../net/quote.ts";
import { endpointCount } from "../../registry/affiliate-wire.ts";
import type { AffiliateView, Registry } from "../../registry/registry.ts";
import type { Procedures } from "../rpc/procedures.ts";
import { rpcStatus } from "../rpc/rpc-status.ts";
import { inspectFailure, inspectPage, landingPage, STYLE, STYLE_PATH } from "./landing-page.ts";
import { type PageRequest, type Pages, prefersHtml } from "./pages.ts";
import { methodNotAllowed, type PlainPage } from "./plain-page.ts";
import type { ServiceHealth } from "./service-health.ts";

/** What the pages tell of. */
export interface ServicePagesOptions {
  readonly registry: Registry;
  /** Through which a cluster is read, so that limits hold for pages too. */
  readonly procedures: Pick<Procedures, "list">;
  readonly health: ServiceHealth;
}

/** Statistics need not be fresh, and anybody may ask. */
const STATS_MAX_AGE_S = 3600;

const HTML_HEADERS = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy":
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  // Cluster IDs stand in addresses.
  "Referrer-Policy": "no-referrer",
  Vary: "Accept",
};

/**
 * `/healthz` (the process answers), `/readyz` (the service does its work), `/stats`, `/` and
 * `/inspect?clusterID=…`. Nothing here changes the registry.
 */
export function servicePages({ registry, procedures, health }: ServicePagesOptions): Pages {
  async function readiness(): Promise<PlainPage> {
    const { ok, reason = "not ready", warning } = await health.check();
    const lines = [ok ? "ok" : reason, ...(warning === undefined ? [] : [`warning: ${warning}`])];
    // Texts may name a file or come from another system: each stays one line.
    const text = lines.map((line) => `${printable(line)}\n`).join("");
    return textPage(ok ? 200 : 503, text);
  }

  async function stats(): Promise<PlainPage> {
    const { affiliates } = await registry.totals();
    return {
      status: 200,
      headers: {
        "Content-Type": "application/json",
        "Cache-Control": `public, max-age=${STATS_MAX_AGE_S}`,
        "Access-Control-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
      },
      text: JSON.stringify({ affiliates }),
    };
  }

  async function landing(): Promise<PlainPage> {
    return htmlPage(200, landingPage((await registry.totals()).affiliates));
  }

  async function inspect({ url, accept, caller }: PageRequest): Promise<PlainPage> {
    const clusterId = url.searchParams.get("clusterID") ?? "";
    try {
      const affiliates = await procedures.list({ clusterId }, caller);
      return prefersHtml(accept)
        ? htmlPage(200, inspectPage(clusterId, affiliates))
        : textPage(200, affiliateLines(affiliates));
    } catch (error) {
      const { code, message } = rpcStatus(error);
      const status = httpStatus(code);
      return prefersHtml(accept)
        ? htmlPage(status, inspectFailure(clusterId, `${message}.`))
        : textPage(status, `${message}\n`);
    }
  }

  function pageOf(request: PageRequest): Promise<PlainPage> | PlainPage | undefined {
    switch (request.url.pathname) {
      case "/healthz":
        return textPage(200, "ok\n");
      case "/readyz":
        return readiness();
      case "/stats":
        return stats();
      case "/inspect":
        return inspect(request);
      case STYLE_PATH:
        return stylePage();
      case "/":
        return prefersHtml(request.accept) ? landing() : undefined;
      default:
        return undefined;
    }
  }

  return async (request) => {
    const isRead = request.method === "GET" || request.method === "HEAD";
    const page = isRead ? pageOf(request) : undefined;
    if (page !== undefined) return request.method === "HEAD" ? { ...(await page), text: "" } : page;
    return !isRead && PATHS.has(request.url.pathname) ? methodNotAllowed("GET, HEAD") : undefined;
  };
}

const PATHS: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "/healthz",
  "/readyz",
  "/stats",
  "/inspect",
  STYLE_PATH,
]);

/**
 * One affiliate a line: its ID (quoted where it could be mistaken for more), bytes of data, number
 * of endpoints.
 */
function affiliateLines(affiliates: readonly AffiliateView[]): string {
  return affiliates
    .map((view) => {
      const { id, data } = view;
      const name = /^[!-~]+$/.test(id) && !id.startsWith('"') ? id : quoteAscii(id);
      return `${name}\t${data.length}\t${endpointCount(view)}\n`;
    })
    .join("");
}

function httpStatus(code: Code): number {
  switch (code) {
    case Code.InvalidArgument:
      return 400;
    case Code.PermissionDenied:
      return 403;
    case Code.ResourceExhausted:
      return 429;
    case Code.Unavailable:
      return 503;
    default:
      return 500;
  }
}

function htmlPage(status: number, text: string): PlainPage {
  return { status, headers: { ...HTML_HEADERS, ...UNCACHED }, text };
}

function textPage(status: number, text: string): PlainPage {
  return {
    status,
    headers: { "Content-Type": "text/plain; charset=utf-8", Vary: "Accept", ...UNCACHED },
    text,
  };
}

function stylePage(): PlainPage {
  return {
    status: 200,
    headers: {
      "Content-Type": "text/css; charset=utf-8",
      "Cache-Control": "public, max-age=3600",
      "X-Content-Type-Options": "nosniff",
    },
    text: STYLE,
  };
}

const UNCACHED = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };
