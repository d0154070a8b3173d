/**
 * Answers that cost much more than their requests: a full cluster, as often as one address may
 * ask, in every encoding that a caller may choose.
 * @module
 */
import type { Attack, Attacker } from "../harness/attacker.ts";
import { type Encoding, GRPC, GRPC_GZIP, UNARY_ENCODINGS } from "../harness/encodings.ts";
import { http1Request } from "../harness/http1-peer.ts";
import type { Http2Peer } from "../harness/http2-peer.ts";
import { clusterPath } from "../harness/messages.ts";

/** HTTP/1.1 answers one request of a connection at a time. */
const HTTP1_CONNECTIONS = 4;
const SECONDS = 1.2;

/** Of 15 that one address may make. */
const CALLS_PER_SECOND = 14;
/** JSON stopped a service at half of what is allowed. */
const COSTLIEST_PER_SECOND = 8;

interface Way {
  readonly name: string;
  readonly perSecond: number;
  readonly method: "GET" | "POST";
  readonly path: (clusterId: string) => string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: (clusterId: string) => Uint8Array;
  readonly isHttp2Only: boolean;
}

function listing(encoding: Encoding): Way {
  return {
    ...encoding,
    perSecond: encoding.name.includes("JSON") ? COSTLIEST_PER_SECOND : CALLS_PER_SECOND,
    method: "POST",
    path: () => clusterPath("List"),
    isHttp2Only: encoding.name.startsWith("gRPC") && !encoding.name.startsWith("gRPC-Web"),
  };
}

function inspecting(name: string, accept: string): Way {
  return {
    name,
    perSecond: COSTLIEST_PER_SECOND,
    method: "GET",
    path: (clusterId) => `/inspect?clusterID=${encodeURIComponent(clusterId)}`,
    headers: { accept },
    isHttp2Only: false,
  };
}

function reading(way: Way): Attack {
  return {
    name: `a full cluster, ${way.name}, ${way.perSecond} a second`,
    run: async (attacker) => {
      await askOverHttp2(attacker, way);
      if (!way.isHttp2Only) await askOverHttp1(attacker, way);
    },
  };
}

/** What the reference answers too. */
export const COSTLY_GRPC_ANSWERS: readonly Attack[] = [GRPC, GRPC_GZIP].map(listing).map(reading);

const WAYS: readonly Way[] = [
  ...UNARY_ENCODINGS.map(listing),
  inspecting("/inspect as HTML", "text/html"),
  inspecting("/inspect as text", "text/plain"),
];

export const COSTLY_ANSWERS: readonly Attack[] = WAYS.map(reading);

/** Size of one answer in each encoding: an attack that only gets errors would cost nothing. */
export async function answerBytes(attacker: Attacker): Promise<ReadonlyMap<string, number>> {
  const bytes = new Map<string, number>();
  for (const way of WAYS) {
    const peer = await attacker.http2();
    const stream = peer.streams.get(request(peer, way, attacker.fullCluster));
    await peer.until(`the answer, ${way.name}`, () => stream?.isEnded === true);
    bytes.set(way.name, stream?.dataBytes ?? 0);
  }
  return bytes;
}

function request(peer: Http2Peer, way: Way, clusterId: string): number {
  return peer.request(way.method, way.path(clusterId), {
    headers: Object.entries(way.headers),
    ...(way.body && { body: way.body(clusterId) }),
  });
}

async function askOverHttp2(attacker: Attacker, way: Way): Promise<void> {
  const peer = await attacker.http2();
  await attacker.pace(way.perSecond, SECONDS, () => request(peer, way, attacker.fullCluster));
}

async function askOverHttp1(attacker: Attacker, way: Way): Promise<void> {
  const peers = await Promise.all(
    Array.from({ length: HTTP1_CONNECTIONS }, () => attacker.http1()),
  );
  const { fullCluster } = attacker;
  const { method, path, headers, body } = way;
  const bytes = http1Request(method, path(fullCluster), headers, body?.(fullCluster));
  await attacker.pace(way.perSecond, SECONDS, (index) =>
    peers[index % HTTP1_CONNECTIONS]?.send(bytes),
  );
}
