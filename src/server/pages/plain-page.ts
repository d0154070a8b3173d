/**
 * Answers to requests that are no calls: a word for people, and for callers who took a wrong turn.
 * @module
 */
import { Code } from "@connectrpc/connect";
import { Cluster } from "../../protocol/gen/sidero/discovery/server/cluster_pb.ts";

/** An HTTP answer of plain text. */
export interface PlainPage {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /**
   * gRPC's status, for which headers do only where nothing follows them, not even an empty body.
   */
  readonly trailers?: Readonly<Record<string, string>>;
}

const ABOUT = `Talos discovery service.

Nodes of a cluster find each other here; what they say is sealed, and this service cannot read it.
It answers gRPC, gRPC-Web and Connect at /${Cluster.typeName}/<method>.
`;

const UNIMPLEMENTED = String(Code.Unimplemented);

/** The page for a path that is no procedure. */
export function pageFor(method: string, pathname: string, contentType: string): PlainPage {
  if (contentType.startsWith("application/grpc")) return unknownMethod(pathname, contentType);
  if (pathname !== "/") {
    return textPage(404, `Nothing here. The service is at /${Cluster.typeName}/<method>.\n`);
  }
  if (method !== "GET" && method !== "HEAD") return methodNotAllowed("GET, HEAD");
  return textPage(200, method === "HEAD" ? "" : ABOUT);
}

/** 405, with the methods that would do. */
export function methodNotAllowed(allow: string): PlainPage {
  return textPage(405, `Method not allowed. Use ${allow}.\n`, { Allow: allow });
}

/** 415 for a procedure that was called with another content type than an RPC protocol's. */
export function unsupportedMediaType(): PlainPage {
  return textPage(
    415,
    "Unsupported content type. gRPC: application/grpc. gRPC-Web: application/grpc-web+proto. " +
      "Connect: application/proto, application/json, application/connect+proto, application/connect+json.\n",
  );
}

/**
 * 415 for gRPC where answers cannot have trailers. Also says so in gRPC's own words, for callers
 * that read those.
 */
export function grpcNeedsTrailers(): PlainPage {
  const text = "gRPC needs HTTP trailers, which this endpoint cannot send: use gRPC-Web or Connect";
  return textPage(415, `${text}.\n`, { "grpc-status": UNIMPLEMENTED, "grpc-message": text });
}

/** 400 with one line that says why. */
export function badRequest(reason: string): PlainPage {
  return textPage(400, `${reason}\n`);
}

/** An answer with a status and no messages: gRPC has it in trailers, gRPC-Web in headers. */
function unknownMethod(pathname: string, contentType: string): PlainPage {
  const headers = { "Content-Type": contentType };
  const status = {
    "grpc-status": UNIMPLEMENTED,
    "grpc-message": encodeURI(`unknown method ${pathname.slice(0, 256).toWellFormed()}`),
  };
  if (contentType.startsWith("application/grpc-web")) {
    return { status: 200, headers: { ...headers, ...status }, text: "" };
  }
  return { status: 200, headers, trailers: status, text: "" };
}

function textPage(status: number, text: string, headers: Record<string, string> = {}): PlainPage {
  return {
    status,
    headers: {
      "Content-Type": "text/plain; charset=utf-8",
      "X-Content-Type-Options": "nosniff",
      ...headers,
    },
    text,
  };
}
