import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_ANNOTATIONS } from "../../../../src/sources/kubernetes/annotations.ts";
import {
  type KubernetesRequest,
  type KubernetesResponse,
  type NodeEvent,
  nodeApiOver,
} from "../../../../src/sources/kubernetes/index.ts";
import { nodeObject } from "../../../harness/kubernetes/node-object.ts";

const SOURCE = "https://kubernetes.test";
const { signal } = new AbortController();

/** An API server that answers one thing. */
function answering(status: number, body: string | Iterable<Uint8Array>) {
  const requests: KubernetesRequest[] = [];
  const nodes = nodeApiOver(SOURCE, async (request): Promise<KubernetesResponse> => {
    requests.push(request);
    return { status, body: pieces(typeof body === "string" ? [Buffer.from(body)] : body) };
  });
  return { nodes, requests };
}

async function* pieces(all: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* all;
}

async function eventsOf(body: string | Iterable<Uint8Array>): Promise<NodeEvent[]> {
  const events: NodeEvent[] = [];
  const watch = await answering(200, body).nodes.watch({ resourceVersion: "7", signal });
  for await (const event of watch) events.push(event);
  return events;
}

const worker = { ...nodeObject("worker-1") };
worker.metadata = { ...worker.metadata, resourceVersion: "8" } as typeof worker.metadata;
const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;

const STREAM = [
  line("ADDED", worker),
  line("BOOKMARK", { kind: "Node", metadata: { resourceVersion: "9" } }),
  line("DELETED", { ...worker, metadata: { name: "wörker-ü", resourceVersion: "10" } }),
].join("");

describe("requests of nodes", () => {
  test("a list is asked for in pages, and the next goes on where one has ended", async () => {
    const { nodes, requests } = answering(
      200,
      JSON.stringify({ metadata: { resourceVersion: "7", continue: "a b" }, items: [worker] }),
    );
    expect(await nodes.list({ limit: 250, signal })).toEqual({
      nodes: [worker],
      resourceVersion: "7",
      continueToken: "a b",
    });
    await nodes.list({ limit: 250, continueToken: "a b", signal });
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /api/v1/nodes?limit=250",
      "GET /api/v1/nodes?limit=250&continue=a%20b",
    ]);
  });

  test("the last page has no token, and an empty list may be null", async () => {
    const metadata = { resourceVersion: "7", continue: "" };
    for (const items of [[], null]) {
      const { nodes } = answering(200, JSON.stringify({ metadata, items }));
      expect(await nodes.list({ signal })).toEqual({ nodes: [], resourceVersion: "7" });
    }
  });

  test("a watch asks for bookmarks, from a version on", async () => {
    const { nodes, requests } = answering(200, "");
    await nodes.watch({ resourceVersion: "7", signal });
    expect(requests[0]).toMatchObject({
      path: "/api/v1/nodes?watch=true&allowWatchBookmarks=true&resourceVersion=7",
      isStream: true,
    });
  });

  test("a patch is of our annotations alone, with null for what goes", async () => {
    const { nodes, requests } = answering(200, JSON.stringify(worker));
    await nodes.annotate(
      "a/b",
      { ...NO_ANNOTATIONS, "cluster.talos.dev/node-id": "id" },
      { signal },
    );
    const [request] = requests;
    expect(request).toMatchObject({
      method: "PATCH",
      path: "/api/v1/nodes/a%2Fb?fieldManager=talos-discovery",
      contentType: "application/strategic-merge-patch+json",
    });
    const { metadata, ...others } = JSON.parse(request?.body ?? "");
    expect(others).toEqual({});
    expect(metadata).toEqual({
      annotations: { ...NO_ANNOTATIONS, "cluster.talos.dev/node-id": "id" },
    });
  });

  test("events are the same wherever the transfer is cut into pieces", async () => {
    const bytes = Buffer.from(STREAM);
    const whole = await eventsOf(STREAM);
    expect(whole.map(({ kind, resourceVersion }) => [kind, resourceVersion])).toEqual([
      ["set", "8"],
      ["bookmark", "9"],
      ["deleted", "10"],
    ]);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(bytes.length), { maxLength: 20 }), async (cuts) => {
        const ends = [...cuts.sort((a, b) => a - b), bytes.length];
        const parts = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        expect(await eventsOf(parts)).toEqual(whole);
      }),
    );
  });

  test("a line that the end of the transfer cuts short is passed over", async () => {
    expect(await eventsOf(STREAM.slice(0, -2))).toHaveLength(2);
  });
});

describe("an API server that refuses", () => {
  const status = (code: number, message: string) =>
    JSON.stringify({ kind: "Status", status: "Failure", code, message });

  test.each([
    [401, "ERR_KUBERNETES_UNAUTHORIZED", "wrong or have expired"],
    [403, "ERR_KUBERNETES_FORBIDDEN", "get, list and watch on nodes"],
    [404, "ERR_KUBERNETES_NODE_MISSING", ""],
    [410, "ERR_KUBERNETES_EXPIRED", ""],
    [429, "ERR_KUBERNETES_UNAVAILABLE", "429"],
    [503, "ERR_KUBERNETES_UNAVAILABLE", "503"],
  ])("with %i is told as %s", async (code, expected, hint) => {
    const { nodes } = answering(code, status(code, "what it says"));
    for (const refused of [
      () => nodes.list({ signal }),
      () => nodes.watch({ resourceVersion: "7", signal }),
      () => nodes.annotate("worker-1", NO_ANNOTATIONS, { signal }),
    ]) {
      const error = await refused().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: expected });
      expect((error as Error).message).toContain(SOURCE);
      expect((error as Error).message).toContain("what it says");
      expect((error as Error).message).toContain(hint);
    }
  });

  test("in the middle of a watch is told by an event", async () => {
    const gone = { kind: "Status", code: 410, message: "too old resource version: 7 (9)" };
    await expect(eventsOf(line("ERROR", gone))).rejects.toMatchObject({
      code: "ERR_KUBERNETES_EXPIRED",
      message: `${SOURCE}: too old resource version: 7 (9)`,
    });
  });

  test("a kubelet is told what has changed, and what to do", async () => {
    const message =
      'nodes is forbidden: User "system:node:worker-1" cannot list resource "nodes" in API group "" at the cluster scope';
    await expect(answering(403, status(403, message)).nodes.list({ signal })).rejects.toThrow(
      /kubelet's credentials \("system:node:worker-1"\), which may not list other nodes since Kubernetes 1\.32.*service account/,
    );
  });

  test("anything that is no API server is said to be none", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        const { nodes } = answering(200, text);
        for (const called of [
          nodes.list({ signal }),
          nodes.annotate("worker-1", NO_ANNOTATIONS, { signal }),
          eventsOf(`${text}\n`),
        ]) {
          const error = await called.then(
            () => undefined,
            (reason: unknown) => reason,
          );
          if (error !== undefined) expect(error).toMatchObject({ name: "DiscoveryError" });
        }
      }),
    );
    await expect(answering(200, "<html>").nodes.list({ signal })).rejects.toMatchObject({
      code: "ERR_KUBERNETES_UNAVAILABLE",
      message: `${SOURCE} does not answer as the API server of Kubernetes does`,
    });
  });
});
