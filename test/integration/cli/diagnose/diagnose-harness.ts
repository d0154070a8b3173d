/**
 * Diagnoses of services on this machine, and servers that are none.
 * @module
 */
import { once } from "node:events";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Client, createClient } from "@connectrpc/connect";
import { onTestFinished } from "vitest";
import type {
  CheckName,
  CheckReport,
  DiagnoseOptions,
} from "../../../../src/cli/diagnose/check.ts";
import {
  diagnoseService,
  type ServiceDiagnosis,
} from "../../../../src/cli/diagnose/diagnose-service.ts";
import type { Route } from "../../../../src/cli/diagnose/route.ts";
import { DiscoveryClient } from "../../../../src/client/index.ts";
import { parseServiceUrl } from "../../../../src/client/service-url.ts";
import { generateNodeId } from "../../../../src/identity/index.ts";
import { grpcTransport } from "../../../../src/node/index.ts";
import type { DiscoveryServer, ServeOptions } from "../../../../src/node/serve.ts";
import { type AffiliateData, Cluster } from "../../../../src/protocol/index.ts";
import { CA, startService } from "../../../harness/service/test-service.ts";

export const CLUSTER_ID = "cluster";
export const SECRET = "hHXcBoKBUyuMkdaj2Srbp1QYxiIWJEvQUsUJJFwGfIk=";
export const OTHER_SECRET = "mE5YnzdtLbPYzbgcsFIIXoJLfFhYOOBMv2eUqfLhUSY=";

/** Runs all checks, and gives those of one place. */
export async function diagnose(
  url: string,
  options: Partial<DiagnoseOptions> = {},
): Promise<ServiceDiagnosis> {
  const { ca = CA, env = {} } = options;
  return diagnoseService(
    { name: "service", url },
    {
      clusterId: CLUSTER_ID,
      clusterSecret: SECRET,
      ca,
      env,
      transport: (target, more) => grpcTransport(target, { ...more, ca, env }),
      timeoutMs: 10_000,
      signal: AbortSignal.timeout(60_000),
      ...options,
    },
  );
}

/** A check, at the last place unless told otherwise. */
export function checkOf({ hops }: ServiceDiagnosis, name: CheckName, hop = -1): CheckReport {
  const found = hops.at(hop)?.checks.find((check) => check.name === name);
  if (found === undefined) throw new Error(`no check ${name}`);
  return found;
}

/** One check of a diagnosis. */
export async function diagnoseCheck(
  name: CheckName,
  url: string,
  options?: Partial<DiagnoseOptions>,
): Promise<CheckReport> {
  return checkOf(await diagnose(url, options), name);
}

/** The way to a server on loopback, for a check on its own. */
export function routeTo(url: string): Route {
  return { service: parseServiceUrl(url), proxy: undefined, addresses: ["127.0.0.1"], ca: CA };
}

/** A client of the service, for a check on its own. */
export function openClient(url: string): Client<typeof Cluster> {
  const transport = grpcTransport(url);
  onTestFinished(() => transport.close());
  return createClient(Cluster, transport);
}

/** HTTP/2 without an answer to anything, until the test ends. */
export async function startSilentHttp2(): Promise<string> {
  const server = createHttp2Server();
  server.on("stream", (stream) => stream.on("error", () => {}));
  return `http://127.0.0.1:${await listen(server)}`;
}

/** A service that ends with the test. */
export async function startTestService(options?: ServeOptions): Promise<DiscoveryServer> {
  const server = await startService(options);
  onTestFinished(() => server.close());
  return server;
}

/** Publishes an affiliate. */
export async function publish(
  url: string,
  affiliate: AffiliateData,
  clusterSecret: string = SECRET,
): Promise<string> {
  const nodeId = generateNodeId();
  await using client = new DiscoveryClient({
    service: url,
    transport: grpcTransport,
    clusterId: CLUSTER_ID,
    clusterSecret,
    nodeId,
  });
  client.publish(affiliate, { endpoints: ["192.0.2.1:51820"] });
  void client.run();
  await client.flush();
  return nodeId;
}

/** Listens on loopback until the test ends. */
export async function listen<AServer extends Server>(server: AServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, "close");
  });
  return (server.address() as AddressInfo).port;
}

/** A TCP server that greets each connection with `bytes`, then ends it or keeps quiet. */
export function speaking(bytes: string | Uint8Array, { ends = false } = {}): Server {
  return createServer((socket) => {
    socket.resume();
    socket.write(bytes);
    if (ends) socket.end();
  });
}
