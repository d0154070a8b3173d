/**
 * The protocols of our service, and how each puts a message into a request.
 * @module
 */
import type { OutgoingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import { ENVELOPE_HEAD_BYTES, ENVELOPE_LENGTH_OFFSET } from "../../src/protocol/envelope.ts";

/** How a client asks. */
export interface Protocol {
  readonly name: string;
  readonly codec: "binary" | "json";
  readonly unaryType: string;
  /** Whether unary messages are in envelopes, as those of streams always are. */
  readonly isEnveloped: boolean;
  readonly streamType: string;
  readonly httpVersion: "1.1" | "2";
  /** Whether requests are compressed; answers never are. */
  readonly isCompressed: boolean;
}

const COMMON = { httpVersion: "2", isCompressed: false } as const;

/** Those that the service answers on HTTP/2 streams. The first is what all are compared with. */
export const PROTOCOLS: readonly Protocol[] = [
  {
    ...COMMON,
    name: "gRPC",
    codec: "binary",
    unaryType: "application/grpc",
    isEnveloped: true,
    streamType: "application/grpc",
  },
  {
    ...COMMON,
    name: "gRPC-Web",
    codec: "binary",
    unaryType: "application/grpc-web+proto",
    isEnveloped: true,
    streamType: "application/grpc-web+proto",
  },
  {
    ...COMMON,
    name: "Connect, proto",
    codec: "binary",
    unaryType: "application/proto",
    isEnveloped: false,
    streamType: "application/connect+proto",
  },
  {
    ...COMMON,
    name: "Connect, JSON",
    codec: "json",
    unaryType: "application/json",
    isEnveloped: false,
    streamType: "application/connect+json",
  },
];

/** Those that the service leaves to Connect's handler. gRPC needs HTTP/2. */
export const HANDLER_PROTOCOLS: readonly Protocol[] = [
  ...PROTOCOLS.map((protocol) => ({
    ...protocol,
    name: `${protocol.name}, compressed request`,
    isCompressed: true,
  })),
  ...PROTOCOLS.slice(1).map((protocol) => ({
    ...protocol,
    name: `${protocol.name}, HTTP/1.1`,
    httpVersion: "1.1" as const,
  })),
];

const COMPRESSED_FLAG = 1;

/** Flags of envelopes that end a stream: those of gRPC-Web's trailers and of Connect. */
export const END_FLAGS: number = 0x80 | 0x02;

/** Calls with one address, which the limits of calls and of bytes let through at once. */
const CALLS_PER_ADDRESS = 10;

/** Of all clients of this process, so that no two share an address. */
let calls = 0;

/** A call without what its HTTP version adds. */
export interface RawRequest {
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

/** @param message - Without an envelope. */
export function unaryRequest(protocol: Protocol, method: string, message: Uint8Array): RawRequest {
  const { isEnveloped, unaryType } = protocol;
  const encodingHeader = isEnveloped ? "grpc-encoding" : "content-encoding";
  return request(protocol, method, message, { isEnveloped, type: unaryType, encodingHeader });
}

/** As {@link unaryRequest}, for an answer of many messages. */
export function streamRequest(protocol: Protocol, method: string, message: Uint8Array): RawRequest {
  const { isEnveloped, streamType } = protocol;
  const encodingHeader = isEnveloped ? "grpc-encoding" : "connect-content-encoding";
  return request(protocol, method, message, {
    isEnveloped: true,
    type: streamType,
    encodingHeader,
  });
}

function request(
  { isCompressed }: Protocol,
  method: string,
  message: Uint8Array,
  form: { isEnveloped: boolean; type: string; encodingHeader: string },
): RawRequest {
  const address = Math.floor(calls++ / CALLS_PER_ADDRESS);
  const content = isCompressed ? gzipSync(message) : message;
  return {
    path: `/sidero.discovery.server.Cluster/${method}`,
    headers: {
      "content-type": form.type,
      "x-real-ip": `10.${(address >> 16) & 255}.${(address >> 8) & 255}.${address & 255}`,
      ...(isCompressed && { [form.encodingHeader]: "gzip" }),
    },
    body: form.isEnveloped ? envelope(content, isCompressed ? COMPRESSED_FLAG : 0) : content,
  };
}

/** A message in its envelope. */
function envelope(message: Uint8Array, flags: number): Uint8Array {
  const bytes = new Uint8Array(ENVELOPE_HEAD_BYTES + message.length);
  bytes[0] = flags;
  new DataView(bytes.buffer).setUint32(ENVELOPE_LENGTH_OFFSET, message.length);
  bytes.set(message, ENVELOPE_HEAD_BYTES);
  return bytes;
}

/**
 * @param bytes - The whole body of the answer to a {@link unaryRequest}.
 * @returns Its message, without its envelope.
 * @throws {Error} If there is none: gRPC-Web has errors in its last envelope.
 */
export function unaryAnswer({ name, isEnveloped }: Protocol, bytes: Buffer): Uint8Array {
  if (!isEnveloped) return bytes;
  if (bytes.length < ENVELOPE_HEAD_BYTES || ((bytes[0] as number) & END_FLAGS) !== 0) {
    throw new Error(`${name}: no message: ${JSON.stringify(bytes.toString("latin1"))}`);
  }
  const length = bytes.readUInt32BE(ENVELOPE_LENGTH_OFFSET);
  return bytes.subarray(ENVELOPE_HEAD_BYTES, ENVELOPE_HEAD_BYTES + length);
}
