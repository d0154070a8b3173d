/**
 * What holds where a program may open sockets and files: gRPC over HTTP/2, TLS, serving, on Node, Deno and Bun.
 * @module
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createNodeIdentity, grpcTransport, loadNodeIdentity, serve } from "talos-discovery/node";
import { Cluster } from "talos-discovery/protocol";
import type { Harness } from "./harness.ts";
import { type SuiteEnvironment, seesAnotherNode } from "./suite.ts";

export interface SocketEnvironment extends SuiteEnvironment {
  /** The same service over TLS, with the certificate of `test/fixtures/tls`. */
  readonly tlsServiceUrl: string;
}

const CA_FILE = join(import.meta.dirname, "../fixtures/tls/ca.pem");

export function socketTests({ test, assert }: Harness, environment: SocketEnvironment): void {
  const { serviceUrl, tlsServiceUrl } = environment;

  test("gRPC: a watch sees another node come and go", (signal) =>
    seesAnotherNode(assert, signal, grpcTransport, serviceUrl));

  test("gRPC over TLS: a watch sees another node come and go", async (signal) => {
    const ca = await readFile(CA_FILE, "utf8");
    const transport = (url: string) => grpcTransport(url, { ca });
    await seesAnotherNode(assert, signal, transport, tlsServiceUrl);
  });

  test("gRPC over TLS: a certificate that nobody vouches for is refused", async () => {
    const transport = grpcTransport(tlsServiceUrl);
    const call = createClient(Cluster, transport).hello({ clusterId: "cluster" });
    const outcome = await call.then(
      () => "an answer",
      () => "refused",
    );
    transport.close();
    assert.equal(outcome, "refused");
  });

  test("a service that closes ends its watches and connections in order, without waiting for its grace", async () => {
    // Longer than a test may take.
    const server = await serve({ host: "127.0.0.1", port: 0, shutdownTimeoutMs: 60_000 });
    const transport = grpcTransport(server.url);
    const messages = createClient(Cluster, transport)
      .watch({ clusterId: "cluster" })
      [Symbol.asyncIterator]();
    const first = await messages.next();
    assert.equal(first.value?.affiliates, [], "snapshot");
    const closed = server.close();
    assert.equal((await messages.next()).done, true, "the watch is over");
    await closed;
    transport.close();
  });

  test("an identity file is made once, and read again", async () => {
    const folder = await mkdtemp(join(tmpdir(), "talos-discovery-identity-"));
    try {
      const path = join(folder, "node-identity.yaml");
      const made = await createNodeIdentity(path);
      assert.equal(await loadNodeIdentity(path), made);
      const again = await createNodeIdentity(path).then(
        () => "made again",
        () => "refused",
      );
      assert.equal(again, "refused");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
