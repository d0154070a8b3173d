/**
 * Reads the requests of the service as their callers write them, by hand.
 *
 * A node repeats its update for as long as it lives, and reading one with the protobuf library
 * costs more than merging it. Here is read only what leaves no question: each field at most once,
 * lengths that fit, text of ASCII, numbers of four bytes. All else is left to the library, which
 * knows what is an unknown field and what an error.
 * @module
 */
import { EMPTY_BYTES } from "../bytes.ts";

/** Fields that stand in a request, as the generated messages name them. */
export interface PlainRequest {
  readonly clusterId: string;
  /** Field 2: the affiliate ID, and of `HelloRequest` the client version. */
  readonly second: string;
}

/** `AffiliateUpdateRequest`. Bytes are views of what was read. */
export interface PlainUpdateRequest {
  readonly clusterId: string;
  readonly affiliateId: string;
  readonly affiliateData: Uint8Array | undefined;
  readonly affiliateEndpoints: readonly Uint8Array[];
  readonly ttl: { readonly seconds: bigint; readonly nanos: number } | undefined;
}

// Tags: field number shifted by 3, with wire type 2 (length-delimited) or 0 (varint).
const CLUSTER_ID_TAG = (1 << 3) | 2;
const SECOND_TAG = (2 << 3) | 2;
const DATA_TAG = (3 << 3) | 2;
const ENDPOINTS_TAG = (4 << 3) | 2;
const TTL_TAG = (5 << 3) | 2;
const SECONDS_TAG = (1 << 3) | 0;
const NANOS_TAG = (2 << 3) | 0;

/** Longest text read here: no legal ID is longer. */
const MAX_TEXT_BYTES = 256;

/**
 * Reads a request that has two strings at most: all but `AffiliateUpdateRequest`. For a
 * `ListRequest` or a `WatchRequest` field 2 is unknown, and `second` then says nothing.
 *
 * @param bytes - The whole message.
 * @returns `undefined` where the library is to decide.
 */
export function readPlainRequest(bytes: Uint8Array): PlainRequest | undefined {
  const reader = new PlainReader(bytes);
  let clusterId: string | undefined;
  let second: string | undefined;
  while (reader.hasMore) {
    const tag = reader.varint();
    if (tag === CLUSTER_ID_TAG && clusterId === undefined) clusterId = reader.text();
    else if (tag === SECOND_TAG && second === undefined) second = reader.text();
    else return undefined;
  }
  return reader.isPlain ? { clusterId: clusterId ?? "", second: second ?? "" } : undefined;
}

/**
 * Reads an `AffiliateUpdateRequest`.
 *
 * @param bytes - The whole message.
 * @returns `undefined` where the library is to decide.
 */
export function readPlainUpdateRequest(bytes: Uint8Array): PlainUpdateRequest | undefined {
  const reader = new PlainReader(bytes);
  let clusterId: string | undefined;
  let affiliateId: string | undefined;
  let affiliateData: Uint8Array | undefined;
  let ttl: PlainUpdateRequest["ttl"];
  const affiliateEndpoints: Uint8Array[] = [];
  while (reader.hasMore) {
    const tag = reader.varint();
    if (tag === ENDPOINTS_TAG) affiliateEndpoints.push(reader.part());
    else if (tag === CLUSTER_ID_TAG && clusterId === undefined) clusterId = reader.text();
    else if (tag === SECOND_TAG && affiliateId === undefined) affiliateId = reader.text();
    else if (tag === DATA_TAG && affiliateData === undefined) affiliateData = reader.part();
    else if (tag === TTL_TAG && ttl === undefined) {
      ttl = readPlainDuration(reader.part());
      if (ttl === undefined) return undefined;
    } else return undefined;
  }
  if (!reader.isPlain) return undefined;
  return {
    clusterId: clusterId ?? "",
    affiliateId: affiliateId ?? "",
    affiliateData,
    affiliateEndpoints,
    ttl,
  };
}

function readPlainDuration(bytes: Uint8Array): PlainUpdateRequest["ttl"] {
  const reader = new PlainReader(bytes);
  let seconds: number | undefined;
  let nanos: number | undefined;
  while (reader.hasMore) {
    const tag = reader.varint();
    if (tag === SECONDS_TAG && seconds === undefined) seconds = reader.varint();
    else if (tag === NANOS_TAG && nanos === undefined) nanos = reader.varint();
    else return undefined;
  }
  return reader.isPlain ? { seconds: BigInt(seconds ?? 0), nanos: nanos ?? 0 } : undefined;
}

/**
 * A cursor that stops for good at the first thing that is not plain; what it returned before that
 * counts for nothing.
 */
class PlainReader {
  /** Whether all that was read so far was plain. */
  isPlain = true;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get hasMore(): boolean {
    return this.isPlain && this.#at < this.#bytes.length;
  }

  /** Of four bytes at most: under 2^28. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    this.isPlain = false;
    return 0;
  }

  /** A length and as many bytes. */
  part(): Uint8Array {
    const start = this.#lengthDelimited();
    return this.isPlain ? this.#bytes.subarray(start, this.#at) : EMPTY_BYTES;
  }

  /** A length and as many bytes of ASCII. */
  text(): string {
    const start = this.#lengthDelimited();
    const length = this.#at - start;
    if (!this.isPlain || length > MAX_TEXT_BYTES) return this.#stop();
    const codes = new Array<number>(length);
    for (let i = 0; i < length; i++) {
      const byte = this.#bytes[start + i] as number;
      if (byte > 0x7f) return this.#stop();
      codes[i] = byte;
    }
    return String.fromCharCode.apply(undefined, codes);
  }

  /** Passes over a length and as many bytes; returns where those begin. */
  #lengthDelimited(): number {
    const length = this.varint();
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) this.isPlain = false;
    return start;
  }

  #stop(): "" {
    this.isPlain = false;
    return "";
  }
}
