/**
 * The requests of a {@link NodeApi}, over anything that carries HTTP to an API server with
 * credentials.
 * @module
 */
import { DiscoveryError } from "../../errors.ts";
import type { AnnotationValues } from "./annotations.ts";
import { refusal } from "./api-errors.ts";
import type { NodeApi, NodeEvent, NodeListPage } from "./node-api.ts";
import type { KubernetesNode } from "./node-mapping.ts";

const NODES = "/api/v1/nodes";

/** Who changes the annotations, as `kubectl get --show-managed-fields` tells. */
const FIELD_MANAGER = "talos-discovery";

/** Far more than etcd stores of one object. */
const MAX_EVENT_CHARACTERS = 16 * 1024 * 1024;

/** A page of the largest nodes that there may be. */
const MAX_BODY_CHARACTERS = 256 * 1024 * 1024;

/** A request to an API server. */
export interface KubernetesRequest {
  readonly method: "GET" | "PATCH";
  /** Path and query. */
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
  /** The answer goes on for minutes, and is silent in between. @default false */
  readonly isStream?: boolean;
  readonly signal: AbortSignal;
}

/** What an API server answered. */
export interface KubernetesResponse {
  readonly status: number;
  /** Leaving the loop, and `signal` of the request, end the transfer. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Carries a request. Rejects with `signal.reason` when `signal` aborts, else with a
 * `DiscoveryError`, as a rule `ERR_KUBERNETES_UNAVAILABLE`.
 */
export type SendKubernetesRequest = (request: KubernetesRequest) => Promise<KubernetesResponse>;

/**
 * Makes a {@link NodeApi} of a way to send requests.
 *
 * @param source - The API server, for people: a URL without a secret.
 * @param send - Adds credentials and carries requests.
 */
export function nodeApiOver(source: string, send: SendKubernetesRequest): NodeApi {
  async function call(request: KubernetesRequest): Promise<unknown> {
    const { status, body } = await send(request);
    const text = await readText(source, body);
    if (status !== 200) throw refusal(source, status, text);
    return parseJson(source, text);
  }
  return {
    source,
    async list({ limit, continueToken, signal }) {
      const path = withQuery({ limit, continue: continueToken });
      return pageOf(source, await call({ method: "GET", path, signal }));
    },
    async watch({ resourceVersion, signal }) {
      const path = withQuery({ watch: true, allowWatchBookmarks: true, resourceVersion });
      const { status, body } = await send({ method: "GET", path, isStream: true, signal });
      if (status !== 200) throw refusal(source, status, await readText(source, body));
      return eventsOf(source, body);
    },
    async annotate(nodeName, annotations, { signal }) {
      const answer = await call({
        method: "PATCH",
        path: `${NODES}/${encodeURIComponent(nodeName)}?fieldManager=${FIELD_MANAGER}`,
        contentType: "application/strategic-merge-patch+json",
        body: patchOf(annotations),
        signal,
      });
      if (isNode(answer)) return answer;
      throw noApiServer(source);
    },
  };
}

/** A patch is of these annotations alone, whatever else the object has. */
function patchOf(annotations: AnnotationValues): string {
  return JSON.stringify({ metadata: { annotations } });
}

function withQuery(
  values: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const query = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return [NODES, query.join("&")].join("?");
}

function pageOf(source: string, answer: unknown): NodeListPage {
  const { metadata, items } = (answer ?? {}) as {
    metadata?: { resourceVersion?: unknown; continue?: unknown };
    items?: unknown;
  };
  const resourceVersion = metadata?.resourceVersion;
  // An empty list is `null` where the server is written in Go.
  const nodes = items ?? [];
  if (typeof resourceVersion !== "string" || !Array.isArray(nodes) || !nodes.every(isNode)) {
    throw noApiServer(source);
  }
  const token = metadata?.continue;
  return typeof token === "string" && token !== ""
    ? { nodes, resourceVersion, continueToken: token }
    : { nodes, resourceVersion };
}

async function* eventsOf(
  source: string,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<NodeEvent, void, undefined> {
  for await (const line of linesOf(source, body)) {
    const { type, object } = (parseJson(source, line) ?? {}) as {
      type?: unknown;
      object?: unknown;
    };
    const resourceVersion = (object as KubernetesNode | undefined)?.metadata?.resourceVersion;
    if (type === "ERROR") {
      // The status of the answer is sent already, so the object says what it would have been.
      const { code } = (object ?? {}) as { code?: unknown };
      throw refusal(source, typeof code === "number" ? code : 500, JSON.stringify(object ?? {}));
    }
    if (typeof resourceVersion !== "string") throw noApiServer(source);
    if (type === "BOOKMARK") yield { kind: "bookmark", resourceVersion };
    else if (!isNode(object)) throw noApiServer(source);
    else if (type === "DELETED") yield { kind: "deleted", node: object, resourceVersion };
    else yield { kind: "set", node: object, resourceVersion };
  }
}

/**
 * A line that is cut short by the end of the transfer is none: what it tells comes again after a
 * resume.
 */
async function* linesOf(
  source: string,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of body) {
    const [first = "", ...more] = decoder.decode(piece, { stream: true }).split("\n");
    rest += first;
    for (const next of more) {
      if (rest.trim() !== "") yield rest;
      rest = next;
    }
    if (rest.length > MAX_EVENT_CHARACTERS) throw noApiServer(source);
  }
}

async function readText(source: string, body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of body) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > MAX_BODY_CHARACTERS) throw noApiServer(source);
  }
  return text + decoder.decode();
}

function parseJson(source: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw noApiServer(source, cause);
  }
}

function isNode(value: unknown): value is KubernetesNode {
  return typeof (value as KubernetesNode | undefined)?.metadata?.name === "string";
}

function noApiServer(source: string, cause?: unknown): DiscoveryError {
  return new DiscoveryError(
    "ERR_KUBERNETES_UNAVAILABLE",
    `${source} does not answer as the API server of Kubernetes does`,
    { cause },
  );
}
