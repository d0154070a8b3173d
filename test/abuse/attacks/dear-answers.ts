/**
 * Answers that cost much more than their requests: all of a full cluster, as often as one address may ask, in every encoding
 * that a caller may choose.
 * @module
 */
import { gzipSync } from "node:zlib";
import { grpcMessage } from "../../harness/net/http2-frames.ts";
import type { Attack, Attacker } from "../harness/attacker.ts";
import { http1Request } from "../harness/http1-peer.ts";
import { clusterPath, clusterRequest } from "../harness/messages.ts";

interface Way {
  readonly name: string;
  /** In all of which one address may have 15. JSON was dear at half of them already. */
  readonly perSecond: number;
  readonly method: "GET" | "POST";
  readonly path: (clusterId: string) => string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: (clusterId: string) => Uint8Array;
}

const SECONDS = 1.5;
/** HTTP/1.1 answers one request of a connection at a time. */
const HTTP1_CONNECTIONS = 4;

const list = () => clusterPath("List");
const inspect = (clusterId: string) => `/inspect?clusterID=${encodeURIComponent(clusterId)}`;
const json = (clusterId: string) => Buffer.from(JSON.stringify({ clusterId }));

const GRPC: Way = {
  name: "gRPC",
  perSecond: 14,
  method: "POST",
  path: list,
  headers: { "content-type": "application/grpc", te: "trailers" },
  body: (clusterId) => grpcMessage(clusterRequest(clusterId)),
};

const GZIP: Way = {
  ...GRPC,
  name: "gRPC with a compressed request",
  headers: { ...GRPC.headers, "grpc-encoding": "gzip" },
  body: (clusterId) => grpcMessage(gzipSync(clusterRequest(clusterId)), { flags: 1 }),
};

const OTHER_WAYS: readonly Way[] = [
  {
    name: "Connect JSON",
    perSecond: 8,
    method: "POST",
    path: list,
    headers: { "content-type": "application/json" },
    body: json,
  },
  {
    name: "Connect",
    perSecond: 14,
    method: "POST",
    path: list,
    headers: { "content-type": "application/proto" },
    body: (clusterId) => clusterRequest(clusterId),
  },
  {
    name: "gRPC-Web",
    perSecond: 14,
    method: "POST",
    path: list,
    headers: { "content-type": "application/grpc-web+proto" },
    body: (clusterId) => grpcMessage(clusterRequest(clusterId)),
  },
  {
    name: "gRPC-Web JSON",
    perSecond: 8,
    method: "POST",
    path: list,
    headers: { "content-type": "application/grpc-web+json" },
    body: (clusterId) => grpcMessage(json(clusterId)),
  },
  {
    name: "/inspect as HTML",
    perSecond: 8,
    method: "GET",
    path: inspect,
    headers: { accept: "text/html" },
  },
  {
    name: "/inspect as text",
    perSecond: 8,
    method: "GET",
    path: inspect,
    headers: { accept: "text/plain" },
  },
];

/** What the reference answers too. */
export const DEAR_GRPC_ANSWERS: readonly Attack[] = [GRPC, GZIP].map((way) => ({
  name: `List of a full cluster, ${way.name}, 14 a second`,
  run: (attacker) => askOverHttp2(attacker, way),
}));

/** Half of the time over HTTP/2, then over HTTP/1.1. */
export const DEAR_ANSWERS: readonly Attack[] = [
  ...DEAR_GRPC_ANSWERS,
  ...OTHER_WAYS.map((way) => ({
    name: `a full cluster, ${way.name}, ${way.perSecond} a second`,
    run: async (attacker: Attacker) => {
      await askOverHttp2(attacker, way);
      await askOverHttp1(attacker, way);
    },
  })),
];

async function askOverHttp2(attacker: Attacker, way: Way): Promise<void> {
  const peer = await attacker.http2();
  const { fullCluster } = attacker;
  await attacker.pace(way.perSecond, SECONDS, () =>
    peer.request(way.method, way.path(fullCluster), {
      headers: Object.entries(way.headers),
      ...(way.body && { body: way.body(fullCluster) }),
    }),
  );
}

async function askOverHttp1(attacker: Attacker, way: Way): Promise<void> {
  const peers = await Promise.all(
    Array.from({ length: HTTP1_CONNECTIONS }, () => attacker.http1()),
  );
  const { fullCluster } = attacker;
  const { method, path, headers, body } = way;
  const request = http1Request(method, path(fullCluster), headers, body?.(fullCluster));
  await attacker.pace(way.perSecond, SECONDS, (index) =>
    peers[index % HTTP1_CONNECTIONS]?.send(request),
  );
}
