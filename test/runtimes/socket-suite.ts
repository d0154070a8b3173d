/**
 * What holds where a program may open sockets: gRPC over HTTP/2, on Node, Deno and Bun.
 * @module
 */
import { grpcTransport } from "talos-discovery/node";
import type { Harness } from "./harness.ts";
import { type SuiteEnvironment, seesAnotherNode } from "./suite.ts";

export function socketTests({ test, assert }: Harness, { serviceUrl }: SuiteEnvironment): void {
  test("gRPC: a watch sees another node come and go", (signal) =>
    seesAnotherNode(assert, signal, (url) => grpcTransport(url), serviceUrl));
}
