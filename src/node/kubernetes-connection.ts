/**
 * Requests to an API server, one connection each.
 * @module
 */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { type RequestOptions, request as requestHttps } from "node:https";
import { DiscoveryError } from "../errors.ts";
import type { KubernetesRequest, KubernetesResponse } from "../kubernetes/node-requests.ts";
import { unlessAborted } from "../live/waiting.ts";
import type { KubernetesCredentials } from "./kubernetes-credentials.ts";

/** How long an API server may be silent while it owes an answer. */
const ANSWER_LIMIT_MS = 30_000;

/** Bookmarks come every minute. A watch that is silent for longer may be cut off, which its socket does not hear of. */
const SILENT_WATCH_MS = 150_000;

/** Carries one request. Rejects with `ERR_KUBERNETES_UNAVAILABLE`, `ERR_KUBERNETES_UNAUTHORIZED` or `signal.reason`. */
export async function sendTo(
  credentials: KubernetesCredentials,
  request: KubernetesRequest,
): Promise<KubernetesResponse> {
  const { signal } = request;
  const options = await unlessAborted(credentials.options(), signal);
  const url = new URL(credentials.server + request.path);
  const response = await unlessAborted(open(url, options, request, credentials.source), signal);
  return {
    status: response.statusCode ?? 0,
    body: bodyOf(response, request, credentials.source),
  };
}

function open(
  url: URL,
  options: RequestOptions,
  { method, contentType, body, signal }: KubernetesRequest,
  source: string,
): Promise<IncomingMessage> {
  const requestOver = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = requestOver(url, {
      ...options,
      method,
      signal,
      timeout: ANSWER_LIMIT_MS,
      headers: {
        ...options.headers,
        accept: "application/json",
        "user-agent": "talos-discovery",
        ...(contentType === undefined ? {} : { "content-type": contentType }),
      },
    });
    sent.once("timeout", () => sent.destroy(new Error("no answer in 30 s")));
    sent.once("response", resolve);
    // Also after the answer has begun, where it is the body that ends badly.
    sent.on("error", (error) => reject(unavailable(source, error)));
    sent.end(body);
  });
}

async function* bodyOf(
  response: IncomingMessage,
  { isStream = false, signal }: KubernetesRequest,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isSilent = false;
  if (isStream) {
    response.setTimeout(SILENT_WATCH_MS, () => {
      isSilent = true;
      response.destroy();
    });
  }
  try {
    yield* response;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!isSilent) throw unavailable(source, error);
  } finally {
    response.destroy();
  }
}

function unavailable(source: string, cause: unknown): DiscoveryError {
  const { message, code } = cause as NodeJS.ErrnoException;
  // Both addresses of a name were tried: such an error has a code and no text.
  const why = message || code;
  return new DiscoveryError("ERR_KUBERNETES_UNAVAILABLE", `${source}: ${why}`, { cause });
}
