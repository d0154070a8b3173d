/**
 * The protocols in which the procedures are called on streams, as one table: how messages stand in
 * a body, how the end of an answer and a failure are told, and which headers matter.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
 * @see https://connectrpc.com/docs/protocol
 * @module
 */
import type { OutgoingHttpHeaders } from "node:http2";
import { ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus, endStreamFlag, errorToJson } from "@connectrpc/connect/protocol-connect";
import { trailerFlag } from "@connectrpc/connect/protocol-grpc-web";
import { parseConnectTimeout, parseGrpcTimeout } from "../../server/rpc/caller-deadline.ts";
import type { RpcStatus } from "../../server/rpc/rpc-status.ts";
import type { Codec } from "../../server/rpc/wire-messages.ts";
import { envelope, OK_TRAILERS, statusTrailers } from "./answers.ts";

/** A whole answer to a call that failed before its first message. */
export interface FailureAnswer {
  readonly headers: OutgoingHttpHeaders;
  /** Absent if the headers are all. */
  readonly body: Buffer | undefined;
}

/** What a protocol does in its own way. */
interface Protocol {
  /** Which methods it carries; the others are not to be found under its content types. */
  readonly kinds: readonly ("unary" | "server-streaming")[];
  /** Whether messages stand behind a head of five bytes; otherwise the body is the message. */
  readonly isEnveloped: boolean;
  /** Flag of an envelope of a request that holds no message; 0 if there is none. */
  readonly endFlag: number;
  /** Names the compression of a request. */
  readonly encodingHeader: "grpc-encoding" | "connect-content-encoding" | "content-encoding";
  readonly timeoutHeader: "grpc-timeout" | "connect-timeout-ms";
  /** @returns In ms; `undefined` if it is too far away to count. @throws {ConnectError} */
  readonly parseTimeout: (text: string) => number | undefined;
  /** Whether the status stands in HTTP trailers. */
  readonly hasTrailers: boolean;
  /** What follows the last message of an answer that succeeded; absent if nothing does. */
  readonly okEnd: Buffer | undefined;
  /** What follows the last message of an answer that failed; absent if trailers do. */
  readonly failureEnd: (status: RpcStatus) => Buffer | undefined;
  readonly failure: (headers: OutgoingHttpHeaders, status: RpcStatus) => FailureAnswer;
}

/** One row of the table: a protocol with an encoding of messages. */
export interface WireFormat extends Omit<Protocol, "failure"> {
  readonly codec: Codec;
  /** The headers of an answer with messages. Not to be changed. */
  readonly headers: OutgoingHttpHeaders;
  readonly failure: (status: RpcStatus) => FailureAnswer;
}

const GRPC: Protocol = /* @__PURE__ */ Object.freeze({
  kinds: ["unary", "server-streaming"],
  isEnveloped: true,
  endFlag: 0,
  encodingHeader: "grpc-encoding",
  timeoutHeader: "grpc-timeout",
  parseTimeout: parseGrpcTimeout,
  hasTrailers: true,
  okEnd: undefined,
  failureEnd: () => undefined,
  // `Trailers-Only`
  failure: (headers, status) => ({
    headers: { ...headers, ...statusTrailers(status) },
    body: undefined,
  }),
} satisfies Protocol);

const GRPC_WEB: Protocol = /* @__PURE__ */ Object.freeze({
  ...GRPC,
  endFlag: trailerFlag,
  hasTrailers: false,
  okEnd: /* @__PURE__ */ trailerFrame(OK_TRAILERS),
  failureEnd: (status) => trailerFrame(statusTrailers(status)),
  failure: (headers, status) => ({ headers, body: trailerFrame(statusTrailers(status)) }),
} satisfies Protocol);

const CONNECT_STREAM: Protocol = /* @__PURE__ */ Object.freeze({
  kinds: ["server-streaming"],
  isEnveloped: true,
  endFlag: endStreamFlag,
  encodingHeader: "connect-content-encoding",
  timeoutHeader: "connect-timeout-ms",
  parseTimeout: parseConnectTimeout,
  hasTrailers: false,
  okEnd: /* @__PURE__ */ endOfStream({}),
  failureEnd: (status) => endOfStream({ error: errorJson(status) }),
  failure: (headers, status) => ({ headers, body: endOfStream({ error: errorJson(status) }) }),
} satisfies Protocol);

const CONNECT_UNARY: Protocol = /* @__PURE__ */ Object.freeze({
  ...CONNECT_STREAM,
  kinds: ["unary"],
  isEnveloped: false,
  endFlag: 0,
  encodingHeader: "content-encoding",
  okEnd: undefined,
  failureEnd: () => undefined,
  failure(headers, status) {
    const body = Buffer.from(JSON.stringify(errorJson(status)));
    return {
      headers: {
        ...headers,
        ":status": codeToHttpStatus(status.code),
        "content-type": "application/json",
        "content-length": body.length,
      },
      body,
    };
  },
} satisfies Protocol);

/** The table: content types of requests, that of answers, and what they mean. */
const FORMATS: readonly (readonly [
  contentTypes: readonly string[],
  answerType: string,
  Codec,
  Protocol,
])[] = [
  [["application/grpc", "application/grpc+proto"], "application/grpc+proto", "binary", GRPC],
  [withCharset("application/grpc+json"), "application/grpc+json", "json", GRPC],
  [
    ["application/grpc-web", "application/grpc-web+proto"],
    "application/grpc-web+proto",
    "binary",
    GRPC_WEB,
  ],
  [withCharset("application/grpc-web+json"), "application/grpc-web+json", "json", GRPC_WEB],
  [["application/connect+proto"], "application/connect+proto", "binary", CONNECT_STREAM],
  [withCharset("application/connect+json"), "application/connect+json", "json", CONNECT_STREAM],
  [["application/proto"], "application/proto", "binary", CONNECT_UNARY],
  [withCharset("application/json"), "application/json", "json", CONNECT_UNARY],
];

/**
 * Makes the formats by the content type of the request, exactly as it is sent. What is not here,
 * such as `application/grpc-web-text`, is for Connect's handler to judge.
 *
 * @param common - Headers of all answers.
 */
export function createWireFormats(common: OutgoingHttpHeaders): ReadonlyMap<string, WireFormat> {
  const formats = new Map<string, WireFormat>();
  for (const [contentTypes, answerType, codec, protocol] of FORMATS) {
    const headers = Object.freeze({ ":status": 200, "content-type": answerType, ...common });
    const failure = (status: RpcStatus) => protocol.failure(headers, status);
    const format: WireFormat = { ...protocol, codec, headers, failure };
    for (const contentType of contentTypes) formats.set(contentType, format);
  }
  return formats;
}

function withCharset(contentType: string): readonly string[] {
  return [contentType, `${contentType}; charset=utf-8`];
}

/** The message with the trailers of gRPC-Web, in the order of `Headers`. */
function trailerFrame(trailers: OutgoingHttpHeaders): Buffer {
  const names = Object.keys(trailers).sort();
  const text = names.map((name) => `${name}: ${trailers[name]}\r\n`).join("");
  return envelope([Buffer.from(text)], trailerFlag);
}

/** The last message of a stream of Connect. */
function endOfStream(end: object): Buffer {
  return envelope([Buffer.from(JSON.stringify(end))], endStreamFlag);
}

function errorJson({ code, message }: RpcStatus): object {
  return errorToJson(new ConnectError(message, code), undefined) as object;
}
