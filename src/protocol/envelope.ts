/**
 * The head in front of each message of gRPC, gRPC-Web and Connect's streams.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"
 * @see https://connectrpc.com/docs/protocol, "Enveloped-Message"
 * @module
 */

/** Size of the head in bytes: flags in one byte, the length of the message in four (big endian). */
export const ENVELOPE_HEAD_BYTES = 5;

/** Where the length begins in the head. */
export const ENVELOPE_LENGTH_OFFSET = 1;
