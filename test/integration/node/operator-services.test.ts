import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { serve } from "../../../src/node/index.ts";
import { Health } from "../../../src/protocol/gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../../src/protocol/gen/grpc/reflection/v1/reflection_pb.ts";
import { MemoryRegistry } from "../../../src/registry/index.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };

test("grpc.health.v1 tells of the server, of the service, and of no other", async () => {
  await using server = await serve(LOCAL);
  const client = createClient(Health, createGrpcTransport({ baseUrl: server.url }));
  const serving = { status: 1 };
  expect(await client.check({})).toMatchObject(serving);
  expect(await client.check({ service: "sidero.discovery.server.Cluster" })).toMatchObject(serving);
  await expect(client.check({ service: "other" })).rejects.toMatchObject({ code: 5 });
  for await (const { status } of client.watch({ service: "other" })) {
    expect(status).toBe(3);
    break;
  }
});

test("a watch of the health sees the service stop, and ends with it", async () => {
  const server = await serve(LOCAL);
  const client = createClient(Health, createGrpcTransport({ baseUrl: server.url }));
  const seen: number[] = [];
  for await (const { status } of client.watch({})) {
    if (seen.push(status) === 1) void server.close();
  }
  expect(seen).toEqual([1, 2]);
  await server.close();
});

test("a registry that fails shows in gRPC's health", async () => {
  const registry = new MemoryRegistry();
  await using server = await serve({ ...LOCAL, registry });
  const client = createClient(Health, createGrpcTransport({ baseUrl: server.url }));
  await registry.close();
  expect(await client.check({})).toMatchObject({ status: 2 });
});

test("server reflection lists the services and describes what they take", async () => {
  await using server = await serve(LOCAL);
  const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: server.url }));
  async function* questions() {
    yield { messageRequest: { case: "listServices", value: "" } } as const;
    const symbol = "sidero.discovery.server.Cluster.AffiliateUpdate";
    yield { messageRequest: { case: "fileContainingSymbol", value: symbol } } as const;
    yield { messageRequest: { case: "fileByFilename", value: "no.proto" } } as const;
    yield { messageRequest: { case: undefined } } as const;
  }
  const answers = [];
  for await (const { messageResponse } of client.serverReflectionInfo(questions())) {
    answers.push(messageResponse);
  }
  expect(answers[0]).toMatchObject({
    value: {
      service: [
        { name: "sidero.discovery.server.Cluster" },
        { name: "grpc.health.v1.Health" },
        { name: "grpc.reflection.v1.ServerReflection" },
        { name: "grpc.reflection.v1alpha.ServerReflection" },
      ],
    },
  });
  // The file and what it imports: durations.
  expect(answers[1]).toMatchObject({
    case: "fileDescriptorResponse",
    value: { fileDescriptorProto: [expect.any(Uint8Array), expect.any(Uint8Array)] },
  });
  expect(answers[2]).toMatchObject({ case: "errorResponse", value: { errorCode: 5 } });
  expect(answers[3]).toMatchObject({ case: "errorResponse", value: { errorCode: 3 } });
});

test("pages are on the nodes' port and on ports of their own, metrics on theirs alone", async () => {
  const server = await serve({
    ...LOCAL,
    landing: LOCAL,
    metrics: {
      ...LOCAL,
      pages: ({ url }) =>
        url.pathname === "/metrics" ? { status: 200, headers: {}, text: "figures\n" } : undefined,
    },
  });
  const { landing, metrics } = server;
  const statuses = async (path: string) =>
    Promise.all(
      [server.url, landing?.url, metrics?.url].map(async (url) => {
        const response = await fetch(`${url}${path}`);
        await response.arrayBuffer();
        return response.status;
      }),
    );
  expect(await statuses("/healthz")).toEqual([200, 200, 200]);
  expect(await statuses("/readyz")).toEqual([200, 200, 200]);
  expect(await statuses("/metrics")).toEqual([404, 404, 200]);
  await server.close();
  for (const url of [landing?.url, metrics?.url]) {
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  }
});

test("a port of pages that cannot be had takes the service down with it", async () => {
  await using first = await serve({ ...LOCAL, landing: LOCAL });
  const taken = { host: "127.0.0.1", port: first.landing?.port ?? 0 };
  await expect(serve({ ...LOCAL, landing: taken })).rejects.toMatchObject({
    code: "ERR_LISTEN_FAILED",
  });
});

test("a port of pages that the service can do without is told of, and the service goes on", async () => {
  await using first = await serve({ ...LOCAL, landing: LOCAL });
  const told: string[] = [];
  await using second = await serve({
    ...LOCAL,
    landing: {
      host: "127.0.0.1",
      port: first.landing?.port ?? 0,
      onUnavailable: (error) => told.push(error.code),
    },
  });
  expect(told).toEqual(["ERR_LISTEN_FAILED"]);
  expect(second.landing).toBeUndefined();
  expect((await fetch(`${second.url}/healthz`)).status).toBe(200);
});
