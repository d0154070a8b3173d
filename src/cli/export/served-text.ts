/**
 * An export that Prometheus fetches: the latest text at `/` and `/targets`, over HTTP/1.1.
 * @module
 */
import { type ListenAddress, servePages } from "../../node/http/serve-pages.ts";
import type { PlainPage } from "../../server/pages/plain-page.ts";

const PATHS = new Set(["/", "/targets"]);

/** A port that answers with a text. */
export interface ServedText {
  /** For clients on this machine: `http://127.0.0.1:9101`. */
  readonly url: string;
  /**
   * What is answered from now on. Before the first, the answer is 503, on which Prometheus keeps
   * what it has.
   */
  replace(text: string): void;
  /** Stops accepting; answers under way have a moment to end. */
  close(): Promise<void>;
}

/**
 * Starts to listen.
 *
 * @param mediaType - Of the text, with its charset where it has one.
 * @throws {DiscoveryError} `ERR_LISTEN_FAILED`
 */
export async function serveText(address: ListenAddress, mediaType: string): Promise<ServedText> {
  let latest: string | undefined;

  function answer(method: string, pathname: string): PlainPage {
    if (!PATHS.has(pathname)) return plain(404, "Nothing here. The targets are at /targets.\n");
    if (method !== "GET" && method !== "HEAD") {
      return plain(405, "Method not allowed. Use GET, HEAD.\n", { Allow: "GET, HEAD" });
    }
    if (latest === undefined) {
      return plain(503, "No answer from a registry yet.\n", { "Retry-After": "5" });
    }
    return page(200, method === "HEAD" ? "" : latest, mediaType);
  }

  const server = await servePages({
    ...address,
    pages: ({ method, url }) => answer(method, url.pathname),
  });
  return {
    url: server.url,
    replace(text) {
      latest = text;
    },
    close: () => server.close(),
  };
}

function plain(status: number, text: string, headers: Record<string, string> = {}): PlainPage {
  return page(status, text, "text/plain; charset=utf-8", headers);
}

function page(
  status: number,
  text: string,
  mediaType: string,
  headers: Record<string, string> = {},
): PlainPage {
  return {
    status,
    headers: {
      "Content-Type": mediaType,
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      ...headers,
    },
    text,
  };
}
