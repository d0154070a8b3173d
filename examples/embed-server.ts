/**
 * A discovery service inside a web handler of your own, for every runtime that serves web `Request`s.
 *
 *   deno serve --port 3000 embed-server.ts
 *   bun --port 3000 embed-server.ts
 *
 * In Node, where `node:http` has requests of its own kind: embed-server-node.ts.
 *
 * It speaks gRPC-Web and Connect, which browsers, workers and this package's clients do. gRPC, as Talos nodes speak it,
 * needs HTTP/2 trailers that a `Response` cannot have: `serve` of `talos-discovery/node` has them.
 */
import { MemoryRegistry } from "talos-discovery/registry";
import { createFetchHandler } from "talos-discovery/server";

// Web pages of other origins may call it only if they are named:
// { corsOrigins: ["http://127.0.0.1:8000"] }.
const discovery = createFetchHandler(new MemoryRegistry());

// biome-ignore lint/style/noDefaultExport: runtimes look for the handler here.
export default {
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === "/hello") return new Response("a page of our own\n");
    return discovery(request);
  },
};
