/**
 * Bytes of HTTP/2, right or wrong, without a library that would know better.
 * @see RFC 9113 section 6, RFC 7541
 * @module
 */

export const PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Frame types. */
export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags; which are meant depends on the type. */
export const FLAG = { none: 0, endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const;

const NO_BYTES = new Uint8Array(0);

/** One frame. The length may be wrong. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = NO_BYTES,
  length: number = payload.length,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length & 0xffffff, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

/** A SETTINGS frame of identifiers and values. */
export function settings(...entries: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(entries.length * 6);
  entries.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value >>> 0, index * 6 + 2);
  });
  return frame(TYPE.settings, FLAG.none, 0, payload);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** What every connection begins with. */
export const GREETING: Buffer = Buffer.concat([PREFACE, settings()]);

/**
 * Header fields as literals that are not indexed, without Huffman. Names and values are taken as
 * they are.
 */
export function headerBlock(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.of(0x00), text(name), text(value)]),
  );
}

/** A literal that goes into the dynamic table; refer to it by `Buffer.of(0x80 | 62)`. */
export function indexedField(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40), text(name), text(value)]);
}

/** An integer of HPACK with a prefix of some bits (RFC 7541 section 5.1). */
export function hpackInteger(value: number, prefixBits: number, firstByte = 0): Buffer {
  const max = 2 ** prefixBits - 1;
  if (value < max) return Buffer.of(firstByte | value);
  const bytes = [firstByte | max];
  let rest = value - max;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([hpackInteger(bytes.length, 7), bytes]);
}

/** The headers of a gRPC call, as nodes send them. */
export function callHeaders(
  method: string,
  more: readonly (readonly [string, string])[] = [],
): Buffer {
  return headerBlock([
    [":method", "POST"],
    [":scheme", "http"],
    [":path", `/sidero.discovery.server.Cluster/${method}`],
    [":authority", "localhost"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...more,
  ]);
}

/** The body of a gRPC call: a flag, the length, the message. The length may be wrong. */
export function grpcMessage(
  message: Uint8Array,
  { flags = 0, length = message.length } = {},
): Buffer {
  return Buffer.concat([Buffer.of(flags), uint32(length), message]);
}

/** The encoding of a request that names its cluster and nothing else. */
export function clusterRequest(clusterId: string): Buffer {
  const id = Buffer.from(clusterId);
  return Buffer.concat([Buffer.of(0x0a, id.length), id]);
}
