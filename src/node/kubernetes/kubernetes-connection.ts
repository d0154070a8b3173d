/**
 * Requests to an API server, one connection each.
 * @module
 */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { type RequestOptions, request as requestHttps } from "node:https";
import { unlessAborted } from "../../async/waits.ts";
import { DiscoveryError } from "../../errors.ts";
import type {
  KubernetesRequest,
  KubernetesResponse,
} from "../../sources/kubernetes/node-requests.ts";
import type { KubernetesCredentials } from "./kubernetes-credentials.ts";

/** A certificate may have thousands of names, all of which would stand in the error. */
const MAX_REASON_CHARACTERS = 500;

/** How long to wait for what does not come. */
export interface Patience {
  /** Silence of a server that owes an answer, or the rest of one, in ms. */
  readonly answerMs: number;
  /** Silence of a watch, which ends then, in ms. */
  readonly watchMs: number;
}

/**
 * Nodes report every few seconds or minutes, and bookmarks come in between. A watch that is silent
 * for longer may be cut off, which its socket does not hear of; in a cluster that is so quiet, one
 * more costs nothing.
 */
const PATIENCE: Patience = { answerMs: 30_000, watchMs: 150_000 };

/**
 * Carries one request. Rejects with `ERR_KUBERNETES_UNAVAILABLE`, `ERR_KUBERNETES_UNAUTHORIZED` or
 * `signal.reason`.
 */
export async function sendTo(
  { server, source, options }: KubernetesCredentials,
  request: KubernetesRequest,
  patience: Patience = PATIENCE,
): Promise<KubernetesResponse> {
  const { signal, isStream = false } = request;
  const how = { ...(await unlessAborted(options(), signal)), timeout: patience.answerMs };
  const url = new URL(server + request.path);
  const response = await unlessAborted(open(url, how, request, source), signal);
  const status = response.statusCode ?? 0;
  // A refusal is no stream.
  const silenceMs = isStream && status === 200 ? patience.watchMs : undefined;
  return { status, body: bodyOf(response, silenceMs, source, signal) };
}

function open(
  url: URL,
  options: RequestOptions & { readonly timeout: number },
  { method, contentType, body, signal }: KubernetesRequest,
  source: string,
): Promise<IncomingMessage> {
  const requestOver = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = requestOver(url, {
      ...options,
      method,
      signal,
      headers: {
        ...options.headers,
        accept: "application/json",
        "user-agent": "talos-discovery",
        ...(contentType === undefined ? {} : { "content-type": contentType }),
      },
    });
    sent.once("timeout", () => sent.destroy(new Error(`no answer in ${options.timeout / 1000} s`)));
    sent.once("response", resolve);
    // Also after the answer has begun, where it is the body that ends badly.
    sent.on("error", (error) => reject(unavailable(source, error)));
    sent.end(body);
  });
}

/** @param silenceMs - Of a stream: a silence that is as long ends it, in order. */
async function* bodyOf(
  response: IncomingMessage,
  silenceMs: number | undefined,
  source: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isSilent = false;
  if (silenceMs !== undefined) {
    response.setTimeout(silenceMs, () => {
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
  const why = (message || code || "").slice(0, MAX_REASON_CHARACTERS);
  return new DiscoveryError("ERR_KUBERNETES_UNAVAILABLE", `${source}: ${why}`, { cause });
}
