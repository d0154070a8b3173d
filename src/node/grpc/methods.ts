/**
 * The five procedures as gRPC methods: bytes of a request in, frames of an answer out.
 * @module
 */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  AffiliateDeleteRequestSchema,
  AffiliateUpdateRequestSchema,
  Cluster,
  HelloRequestSchema,
  ListRequestSchema,
  WatchRequestSchema,
} from "../../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import { readPlainRequest, readPlainUpdateRequest } from "../../protocol/plain-requests.ts";
import type { AffiliateView, Awaitable, WatchMessage } from "../../registry/registry.ts";
import type { AnswerEncoder } from "../../server/rpc/answer-encoder.ts";
import type { ByteSource } from "../../server/rpc/byte-source.ts";
import type { RequestFields } from "../../server/rpc/call-record.ts";
import type { ClusterMethod } from "../../server/rpc/call-report.ts";
import type { Caller } from "../../server/rpc/caller.ts";
import type { Procedures } from "../../server/rpc/procedures.ts";
import { EMPTY_FRAME, helloFrame } from "./answers.ts";

/** A message in its frame, or a large one as its reader takes it. */
export type UnaryAnswer = Uint8Array | ByteSource;

/** A request that stands ready to be run. */
export type GrpcOperation =
  | {
      readonly fields: RequestFields;
      /** Answers at once where the registry does. */
      readonly unary: (caller: Caller) => Awaitable<UnaryAnswer>;
      readonly watch?: undefined;
    }
  | {
      readonly fields: RequestFields;
      readonly watch: (caller: Caller) => AsyncIterable<WatchMessage>;
    };

export interface GrpcMethod {
  readonly name: ClusterMethod;
  readonly kind: "unary" | "server-streaming";
  /** @throws {ConnectError} For bytes that are no such request, in Connect's words. */
  readonly read: (bytes: Uint8Array) => GrpcOperation;
}

/** The methods by path: `/sidero.discovery.server.Cluster/Hello`. */
export function grpcMethods(
  procedures: Procedures,
  encoder: AnswerEncoder,
): ReadonlyMap<string, GrpcMethod> {
  const listFrame = (views: readonly AffiliateView[]): UnaryAnswer =>
    encoder.smallList(views, "binary") ?? encoder.list(views, "binary");

  const methods: readonly GrpcMethod[] = [
    {
      name: "Hello",
      kind: "unary",
      read(bytes) {
        const plain = readPlainRequest(bytes);
        const fields =
          plain === undefined
            ? readMessage(HelloRequestSchema, bytes)
            : { clusterId: plain.clusterId, clientVersion: plain.second };
        return {
          fields,
          unary: (caller) => when(procedures.hello(fields, caller), helloFrame),
        };
      },
    },
    {
      name: "AffiliateUpdate",
      kind: "unary",
      read(bytes) {
        const fields =
          readPlainUpdateRequest(bytes) ?? readMessage(AffiliateUpdateRequestSchema, bytes);
        return {
          fields,
          unary: (caller) => when(procedures.affiliateUpdate(fields, caller), emptyFrame),
        };
      },
    },
    {
      name: "AffiliateDelete",
      kind: "unary",
      read(bytes) {
        const plain = readPlainRequest(bytes);
        const fields =
          plain === undefined
            ? readMessage(AffiliateDeleteRequestSchema, bytes)
            : { clusterId: plain.clusterId, affiliateId: plain.second };
        return {
          fields,
          unary: (caller) => when(procedures.affiliateDelete(fields, caller), emptyFrame),
        };
      },
    },
    {
      name: "List",
      kind: "unary",
      read(bytes) {
        const fields = clusterOf(readPlainRequest(bytes) ?? readMessage(ListRequestSchema, bytes));
        return {
          fields,
          unary: (caller) => when(procedures.list(fields, caller), listFrame),
        };
      },
    },
    {
      name: "Watch",
      kind: "server-streaming",
      read(bytes) {
        const fields = clusterOf(readPlainRequest(bytes) ?? readMessage(WatchRequestSchema, bytes));
        return { fields, watch: (caller) => procedures.watch(fields, caller) };
      },
    },
  ];
  return new Map(methods.map((method) => [`/${Cluster.typeName}/${method.name}`, method]));
}

function clusterOf({ clusterId }: { readonly clusterId: string }): RequestFields {
  return { clusterId };
}

function emptyFrame(): Buffer {
  return EMPTY_FRAME;
}

function when<T>(answer: Awaitable<T>, framed: (answer: T) => UnaryAnswer): Awaitable<UnaryAnswer> {
  return answer instanceof Promise ? answer.then(framed) : framed(answer);
}

function readMessage<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConnectError(`parse binary: ${reason}`, Code.Internal);
  }
}
