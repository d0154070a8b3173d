/**
 * The five procedures as methods of each protocol: bytes of a request in, bytes of an answer out.
 * @module
 */
import {
  type DescMessage,
  fromBinary,
  fromJsonString,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ENVELOPE_HEAD_BYTES } from "../../protocol/envelope.ts";
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
import type { HelloAnswer, Procedures } from "../../server/rpc/procedures.ts";
import { EMPTY_FRAME, EMPTY_JSON_FRAME, helloFrame, helloJsonFrame } from "./answers.ts";
import type { MethodKind } from "./request-body.ts";
import type { WireFormat } from "./wire-format.ts";

/** A message in its envelope, if the format has one, or a large one as its reader takes it. */
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
  readonly kind: MethodKind;
  readonly format: WireFormat;
  /** @throws {ConnectError} For bytes that are no such request, in Connect's words. */
  readonly read: (bytes: Uint8Array) => GrpcOperation;
}

/** The methods of one format by path: `/sidero.discovery.server.Cluster/Hello`. */
export function grpcMethods(
  procedures: Procedures,
  encoder: AnswerEncoder,
  format: WireFormat,
): ReadonlyMap<string, GrpcMethod> {
  const { codec, isEnveloped } = format;
  const isBinary = codec === "binary";
  const readPlain = isBinary ? readPlainRequest : readNothing;
  const readPlainUpdate = isBinary ? readPlainUpdateRequest : readNothing;
  const readMessage = isBinary ? readBinary : readJson;

  function bodyOf(frame: Buffer): Buffer {
    return isEnveloped ? frame : frame.subarray(ENVELOPE_HEAD_BYTES);
  }

  const emptyFrame = bodyOf(isBinary ? EMPTY_FRAME : EMPTY_JSON_FRAME);
  const emptyAnswer = () => emptyFrame;
  const helloAnswer = (answer: HelloAnswer) =>
    bodyOf(isBinary ? helloFrame(answer) : helloJsonFrame(answer));
  const listAnswer = (views: readonly AffiliateView[]): UnaryAnswer =>
    (isEnveloped ? encoder.smallList(views, codec) : undefined) ??
    encoder.list(views, codec, isEnveloped);

  const methods: readonly Omit<GrpcMethod, "format">[] = [
    {
      name: "Hello",
      kind: "unary",
      read(bytes) {
        const plain = readPlain(bytes);
        const fields =
          plain === undefined
            ? readMessage(HelloRequestSchema, bytes)
            : { clusterId: plain.clusterId, clientVersion: plain.second };
        return {
          fields,
          unary: (caller) => when(procedures.hello(fields, caller), helloAnswer),
        };
      },
    },
    {
      name: "AffiliateUpdate",
      kind: "unary",
      read(bytes) {
        const fields = readPlainUpdate(bytes) ?? readMessage(AffiliateUpdateRequestSchema, bytes);
        return {
          fields,
          unary: (caller) => when(procedures.affiliateUpdate(fields, caller), emptyAnswer),
        };
      },
    },
    {
      name: "AffiliateDelete",
      kind: "unary",
      read(bytes) {
        const plain = readPlain(bytes);
        const fields =
          plain === undefined
            ? readMessage(AffiliateDeleteRequestSchema, bytes)
            : { clusterId: plain.clusterId, affiliateId: plain.second };
        return {
          fields,
          unary: (caller) => when(procedures.affiliateDelete(fields, caller), emptyAnswer),
        };
      },
    },
    {
      name: "List",
      kind: "unary",
      read(bytes) {
        const fields = clusterOf(readPlain(bytes) ?? readMessage(ListRequestSchema, bytes));
        return {
          fields,
          unary: (caller) => when(procedures.list(fields, caller), listAnswer),
        };
      },
    },
    {
      name: "Watch",
      kind: "server-streaming",
      read(bytes) {
        const fields = clusterOf(readPlain(bytes) ?? readMessage(WatchRequestSchema, bytes));
        return { fields, watch: (caller) => procedures.watch(fields, caller) };
      },
    },
  ];
  return new Map(
    methods
      .filter(({ kind }) => format.kinds.includes(kind))
      .map((method) => [`/${Cluster.typeName}/${method.name}`, { ...method, format }]),
  );
}

function clusterOf({ clusterId }: { readonly clusterId: string }): RequestFields {
  return { clusterId };
}

/** Only binary requests are read by hand. */
function readNothing(): undefined {
  return undefined;
}

function when<T>(answer: Awaitable<T>, framed: (answer: T) => UnaryAnswer): Awaitable<UnaryAnswer> {
  return answer instanceof Promise ? answer.then(framed) : framed(answer);
}

function readBinary<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConnectError(`parse binary: ${reason}`, Code.Internal);
  }
}

/** As Connect's handler reads JSON, which passes over fields that it does not know. */
function readJson<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    const text = new TextDecoder().decode(bytes);
    return fromJsonString(schema, text, { ignoreUnknownFields: true });
  } catch (error) {
    throw ConnectError.from(error, Code.InvalidArgument);
  }
}
