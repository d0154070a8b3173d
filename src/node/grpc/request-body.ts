/**
 * The body of a gRPC call that takes one message: a head of five bytes, then the message, in any
 * number of pieces.
 *
 * What is wrong with a body is told in Connect's words, so that the two ways in cannot be told
 * apart.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md "Length-Prefixed-Message"
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { ENVELOPE_HEAD_BYTES, ENVELOPE_LENGTH_OFFSET } from "../../protocol/envelope.ts";

/** The flag of a compressed message. */
const COMPRESSED = 1;

/** What a method takes and gives, for the texts of errors. */
export type MethodKind = "unary" | "server-streaming";

/** Collects one body. */
export class GrpcRequestBody {
  readonly #kind: MethodKind;
  readonly #maxBytes: number;
  /**
   * The only piece as it came; more than one in a buffer that grows by doubling, whatever the size
   * of the pieces.
   */
  #bytes: Buffer | undefined;
  #length = 0;

  /** @param maxBytes - Of the message. */
  constructor(kind: MethodKind, maxBytes: number) {
    this.#kind = kind;
    this.#maxBytes = maxBytes;
  }

  /**
   * @throws {ConnectError} Where it is clear already that no single message of a legal size will
   * come.
   */
  add(piece: Buffer): void {
    if (this.#bytes === undefined) {
      this.#bytes = piece;
      this.#length = piece.length;
    } else {
      this.#append(this.#bytes, piece);
    }
    const end = this.#messageEnd(0);
    if (end !== undefined && end < this.#length) {
      const secondEnd = this.#messageEnd(end);
      if (secondEnd !== undefined && secondEnd <= this.#length) this.#refuseExtra();
    }
  }

  /**
   * The message, after the last piece.
   *
   * @returns A view of the pieces.
   * @throws {ConnectError}
   */
  message(): Uint8Array {
    const bytes = this.#bytes;
    if (bytes === undefined || this.#length === 0) {
      const text = `protocol error: missing input message for ${this.#kind} method`;
      throw new ConnectError(text, Code.Unimplemented);
    }
    const end = this.#messageEnd(0);
    if (end !== this.#length) {
      throw new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
    }
    if (((bytes[0] as number) & COMPRESSED) !== 0) {
      const text = "received compressed envelope, but do not know how to decompress";
      throw new ConnectError(text, Code.Internal);
    }
    return bytes.subarray(ENVELOPE_HEAD_BYTES, end);
  }

  /** Where the message that begins at `start` ends; `undefined` while its head is not complete. */
  #messageEnd(start: number): number | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined || this.#length < start + ENVELOPE_HEAD_BYTES) return undefined;
    const length = bytes.readUInt32BE(start + ENVELOPE_LENGTH_OFFSET);
    if (length > this.#maxBytes) {
      const text = `message size ${length} is larger than configured readMaxBytes ${this.#maxBytes}`;
      throw new ConnectError(text, Code.ResourceExhausted);
    }
    return start + ENVELOPE_HEAD_BYTES + length;
  }

  #append(bytes: Buffer, piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * length);
      bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes as Buffer, this.#length);
    this.#length = length;
  }

  #refuseExtra(): never {
    const text = `protocol error: received extra input message for ${this.#kind} method`;
    throw new ConnectError(text, Code.Unimplemented);
  }
}
