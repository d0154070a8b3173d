/**
 * The protocols in which a caller may read a cluster. None may cost much more than another.
 * @module
 */
import { gzipSync } from "node:zlib";
import { grpcMessage } from "../../harness/net/http2-frames.ts";
import type { Http2Peer } from "./http2-peer.ts";
import { clusterPath, clusterRequest } from "./messages.ts";

export interface Encoding {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of `Hello`, `List` and `Watch`. */
  readonly body: (clusterId: string) => Uint8Array;
}

const framed = (clusterId: string): Uint8Array => grpcMessage(clusterRequest(clusterId));
const json = (clusterId: string): Uint8Array => Buffer.from(JSON.stringify({ clusterId }));
const framedJson = (clusterId: string): Uint8Array => grpcMessage(json(clusterId));

function encoding(name: string, type: string, body: Encoding["body"]): Encoding {
  return { name, headers: { "content-type": `application/${type}` }, body };
}

export const GRPC: Encoding = {
  name: "gRPC",
  headers: { "content-type": "application/grpc", te: "trailers" },
  body: framed,
};

export const GRPC_GZIP: Encoding = {
  name: "gRPC with a compressed request",
  headers: { ...GRPC.headers, "grpc-encoding": "gzip" },
  body: (clusterId) => grpcMessage(gzipSync(clusterRequest(clusterId)), { flags: 1 }),
};

const GRPC_WEB = encoding("gRPC-Web", "grpc-web+proto", framed);
const GRPC_WEB_JSON = encoding("gRPC-Web JSON", "grpc-web+json", framedJson);

/** Of calls with one answer. */
export const UNARY_ENCODINGS: readonly Encoding[] = [
  GRPC,
  GRPC_GZIP,
  GRPC_WEB,
  GRPC_WEB_JSON,
  encoding("Connect", "proto", clusterRequest),
  encoding("Connect JSON", "json", json),
];

/** Of watches. */
export const STREAM_ENCODINGS: readonly Encoding[] = [
  GRPC,
  GRPC_GZIP,
  GRPC_WEB,
  GRPC_WEB_JSON,
  encoding("Connect", "connect+proto", framed),
  encoding("Connect JSON", "connect+json", framedJson),
];

/** Calls a method of the discovery service. */
export function ask(
  peer: Http2Peer,
  method: "Hello" | "List" | "Watch",
  { headers, body }: Encoding,
  clusterId: string,
): number {
  return peer.request("POST", clusterPath(method), {
    headers: Object.entries(headers),
    body: body(clusterId),
  });
}
