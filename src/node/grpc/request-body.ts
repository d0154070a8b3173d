/**
 * The body of a call that takes one message, in any number of pieces: a head of five bytes, then
 * the message; or the message alone.
 *
 * What is wrong with a body is told in Connect's words, so that the two ways in cannot be told
 * apart.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md "Length-Prefixed-Message"
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { EMPTY_BYTES } from "../../bytes.ts";
import { ENVELOPE_HEAD_BYTES, ENVELOPE_LENGTH_OFFSET } from "../../protocol/envelope.ts";
import type { WireFormat } from "./wire-format.ts";

/** The flag of a compressed message. */
const COMPRESSED = 1;

/** What a method takes and gives, for the texts of errors. */
export type MethodKind = "unary" | "server-streaming";

/** How messages stand in a body. */
export type BodyFormat = Pick<WireFormat, "isEnveloped" | "endFlag">;

/** Collects one body. */
export class RequestBody {
  readonly #format: BodyFormat;
  readonly #kind: MethodKind;
  readonly #maxBytes: number;
  /**
   * The only piece as it came; more than one in a buffer that grows by doubling, whatever the size
   * of the pieces.
   */
  #bytes: Buffer | undefined;
  #length = 0;
  /** Where the envelope begins that is not complete yet. */
  #at = 0;
  /** Where the message is, behind its head; -1 while there is none. */
  #messageAt = -1;
  #messageEnd = 0;

  /** @param maxBytes - Of the message. */
  constructor(format: BodyFormat, kind: MethodKind, maxBytes: number) {
    this.#format = format;
    this.#kind = kind;
    this.#maxBytes = maxBytes;
  }

  /**
   * Judges the length that a caller announces.
   *
   * @throws {ConnectError} If the body is the message and will be too large.
   */
  expect(contentLength: string | undefined): void {
    if (!this.#format.isEnveloped && contentLength !== undefined) {
      this.#checkSize(Number(contentLength));
    }
  }

  /**
   * @throws {ConnectError} If it is clear already that no single message of a legal size will come.
   */
  add(piece: Buffer): void {
    if (this.#bytes === undefined) {
      this.#bytes = piece;
      this.#length = piece.length;
    } else {
      this.#append(this.#bytes, piece);
    }
    if (this.#format.isEnveloped) this.#readEnvelopes();
    else if (this.#length > this.#maxBytes) this.#refuseSize();
  }

  /**
   * The message, after the last piece.
   *
   * @returns A view of the pieces.
   * @throws {ConnectError}
   */
  message(): Uint8Array {
    const bytes = this.#bytes;
    if (!this.#format.isEnveloped) return bytes?.subarray(0, this.#length) ?? EMPTY_BYTES;
    if (this.#at !== this.#length) {
      throw new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
    }
    if (bytes === undefined || this.#messageAt < 0) {
      const text = `protocol error: missing input message for ${this.#kind} method`;
      throw new ConnectError(text, Code.Unimplemented);
    }
    return bytes.subarray(this.#messageAt, this.#messageEnd);
  }

  /** The message if it is whole already, whatever is behind it. */
  get first(): Uint8Array | undefined {
    if (this.#messageAt < 0) return undefined;
    return this.#bytes?.subarray(this.#messageAt, this.#messageEnd);
  }

  /** Goes over the envelopes that are complete. */
  #readEnvelopes(): void {
    const bytes = this.#bytes as Buffer;
    const { endFlag } = this.#format;
    while (this.#length >= this.#at + ENVELOPE_HEAD_BYTES) {
      const length = bytes.readUInt32BE(this.#at + ENVELOPE_LENGTH_OFFSET);
      this.#checkSize(length);
      const start = this.#at + ENVELOPE_HEAD_BYTES;
      const end = start + length;
      if (end > this.#length) return;
      const flags = bytes[this.#at] as number;
      if ((flags & COMPRESSED) !== 0) {
        const text = "received compressed envelope, but do not know how to decompress";
        throw new ConnectError(text, Code.Internal);
      }
      this.#at = end;
      if (endFlag !== 0 && (flags & endFlag) !== 0) {
        // Connect passes over them without an end; nobody sends one here.
        this.#checkSize(end);
      } else if (this.#messageAt >= 0) {
        const text = `protocol error: received extra input message for ${this.#kind} method`;
        throw new ConnectError(text, Code.Unimplemented);
      } else {
        this.#messageAt = start;
        this.#messageEnd = end;
      }
    }
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

  /** Of a message whose length is known before its end. */
  #checkSize(bytes: number): void {
    if (bytes <= this.#maxBytes) return;
    const text = `message size ${bytes} is larger than configured readMaxBytes ${this.#maxBytes}`;
    throw new ConnectError(text, Code.ResourceExhausted);
  }

  #refuseSize(): never {
    const text = `message size is larger than configured readMaxBytes ${this.#maxBytes}`;
    throw new ConnectError(text, Code.ResourceExhausted);
  }
}
