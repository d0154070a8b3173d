/**
 * The answers of `List` and `Watch`, encoded for every protocol.
 *
 * What many callers get is encoded once: an affiliate by the registry, its JSON and a small list
 * while they are asked for, and a change for all who watch. What is large is put together piece by
 * piece, as its reader takes it, so that a reader who stops holds no copy of a cluster.
 * @module
 */
import { concatBytes, EMPTY_BYTES } from "../../bytes.ts";
import { ENVELOPE_HEAD_BYTES, ENVELOPE_LENGTH_OFFSET } from "../../protocol/envelope.ts";
import { MAX_SNAPSHOT_MESSAGE_BYTES } from "../../protocol/limits.ts";
import { encodeAffiliateField } from "../../protocol/sealed.ts";
import { affiliateWire, affiliateWireBytes } from "../../registry/affiliate-wire.ts";
import type { MemoryBudget } from "../../registry/memory-budget.ts";
import type { AffiliateView, WatchMessage } from "../../registry/registry.ts";
import { affiliateJsonBytes, encodeAffiliateJson } from "./affiliate-json.ts";
import { ByteCache } from "./byte-cache.ts";
import { type ByteSource, ConcatenatedParts, type Parts, WholeBytes } from "./byte-source.ts";
import { type Codec, splitBySize } from "./wire-messages.ts";

/** The bytes of some messages in their envelopes. */
export interface EncodedMessages {
  readonly messages: number;
  readonly bytes: ByteSource;
}

/** Options of {@link AnswerEncoder}. */
export interface AnswerEncoderOptions {
  readonly memory?: MemoryBudget | undefined;
  /** Makes buffers, which are filled whole. @default zeroed `Uint8Array`s */
  readonly allocate?: ((bytes: number) => Uint8Array) | undefined;
}

/** Answers up to this size are encoded whole and shared; about the list of 100 nodes. */
export const MAX_WHOLE_BYTES = 65_536;

/** Field 2 of `WatchResponse`, `deleted`, which is true. */
const DELETED_FIELD: Uint8Array = /* @__PURE__ */ Uint8Array.from([(2 << 3) | 0, 1]);

const JSON_BEFORE = /* @__PURE__ */ ascii('{"affiliates":[');
const JSON_AFTER = /* @__PURE__ */ ascii("]}");
const JSON_AFTER_DELETED = /* @__PURE__ */ ascii('],"deleted":true}');
const JSON_EMPTY = /* @__PURE__ */ ascii("{}");
const COMMA = /* @__PURE__ */ ascii(",");

interface WholeMessages {
  readonly messages: number;
  readonly bytes: Uint8Array;
}

/** Encodes for one service: it holds the service's caches. */
export class AnswerEncoder {
  readonly #allocate: (bytes: number) => Uint8Array;
  readonly #lists: Readonly<Record<Codec, ByteCache<readonly AffiliateView[]>>>;
  readonly #json: ByteCache<AffiliateView>;
  /** A registry gives the same message to all who are told the same. */
  readonly #changes: Readonly<Record<Codec, WeakMap<WatchMessage, WholeMessages>>> = {
    binary: new WeakMap(),
    json: new WeakMap(),
  };

  constructor({ memory, allocate = (bytes) => new Uint8Array(bytes) }: AnswerEncoderOptions = {}) {
    this.#allocate = allocate;
    this.#lists = { binary: new ByteCache({ memory }), json: new ByteCache({ memory }) };
    this.#json = new ByteCache({ memory });
  }

  /** `ListResponse`: one message, whatever its size. */
  list(views: readonly AffiliateView[], codec: Codec, isEnveloped = true): ByteSource {
    const whole = this.smallList(views, codec);
    if (whole === undefined) return this.#concatenated([this.#message(views, codec, isEnveloped)]);
    return new WholeBytes(isEnveloped ? whole : whole.subarray(ENVELOPE_HEAD_BYTES));
  }

  /**
   * As {@link list}, in its envelope: the same bytes for the same views.
   *
   * @returns `undefined` if it is large.
   */
  smallList(views: readonly AffiliateView[], codec: Codec): Uint8Array | undefined {
    const cache = this.#lists[codec];
    const known = cache.get(views);
    if (known !== undefined) return known;
    if (!isSmall(views)) return undefined;
    const bytes = this.#whole([this.#message(views, codec, true)]);
    cache.set(views, bytes);
    return bytes;
  }

  /**
   * The `WatchResponse`s of one step of a watch, in their envelopes: several for a snapshot over
   * {@link MAX_SNAPSHOT_MESSAGE_BYTES}, of which clients take the first as the snapshot and add the
   * others, and one for each deleted ID.
   */
  watch(message: WatchMessage, codec: Codec): EncodedMessages {
    const whole = this.#wholeWatch(message, codec);
    if (whole !== undefined) {
      return { messages: whole.messages, bytes: new WholeBytes(whole.bytes) };
    }
    const groups = this.#groupsOf(message, codec);
    const messages = message.kind === "deleted" ? message.ids.length : groups.length;
    return { messages, bytes: this.#concatenated(groups) };
  }

  #wholeWatch(message: WatchMessage, codec: Codec): WholeMessages | undefined {
    if (message.kind === "snapshot") {
      const bytes = this.smallList(message.affiliates, codec);
      return bytes && { messages: 1, bytes };
    }
    const known = this.#changes[codec].get(message);
    if (known !== undefined) return known;
    const isDeleted = message.kind === "deleted";
    if (!isDeleted && !isSmall(message.affiliates)) return undefined;
    const messages = isDeleted ? message.ids.length : 1;
    const whole = { messages, bytes: this.#whole(this.#groupsOf(message, codec)) };
    this.#changes[codec].set(message, whole);
    return whole;
  }

  #groupsOf(message: WatchMessage, codec: Codec): readonly Parts[] {
    if (message.kind === "deleted") return [deletedMessages(message.ids, codec)];
    return splitBySize(message.affiliates, affiliateWireBytes, MAX_SNAPSHOT_MESSAGE_BYTES).map(
      (views) => this.#message(views, codec, true),
    );
  }

  /** A message whose only field is `affiliates`. */
  #message(views: readonly AffiliateView[], codec: Codec, isEnveloped: boolean): Parts {
    const message =
      codec === "binary" ? binaryMessage(views) : jsonMessage(views, (view) => this.#jsonOf(view));
    return isEnveloped ? inEnvelope(message) : message;
  }

  #jsonOf(view: AffiliateView): Uint8Array {
    let json = this.#json.get(view);
    if (json === undefined) {
      json = encodeAffiliateJson(view.id, affiliateWire(view));
      this.#json.set(view, json);
    }
    return json;
  }

  #concatenated(groups: readonly Parts[]): ByteSource {
    return new ConcatenatedParts(groups, this.#allocate);
  }

  #whole(groups: readonly Parts[]): Uint8Array {
    const source = this.#concatenated(groups);
    return source.take(source.remaining);
  }
}

function binaryMessage(views: readonly AffiliateView[]): Parts {
  let bytes = 0;
  for (const view of views) bytes += affiliateWireBytes(view);
  return {
    before: EMPTY_BYTES,
    count: views.length,
    part: (index) => affiliateWire(views[index] as AffiliateView),
    separator: EMPTY_BYTES,
    after: EMPTY_BYTES,
    bytes,
  };
}

function jsonMessage(
  views: readonly AffiliateView[],
  encode: (view: AffiliateView) => Uint8Array,
): Parts {
  const count = views.length;
  const before = count === 0 ? JSON_EMPTY : JSON_BEFORE;
  const after = count === 0 ? EMPTY_BYTES : JSON_AFTER;
  let bytes = before.length + Math.max(count - 1, 0) * COMMA.length + after.length;
  for (const view of views) bytes += affiliateJsonBytes(view.id, affiliateWire(view));
  const part = (index: number) => encode(views[index] as AffiliateView);
  return { before, count, part, separator: COMMA, after, bytes };
}

/** A message of its own for each ID. */
function deletedMessages(ids: readonly string[], codec: Codec): Parts {
  const part = (index: number) => deletedMessage(ids[index] as string, codec);
  let bytes = 0;
  for (let i = 0; i < ids.length; i++) bytes += part(i).length;
  return {
    before: EMPTY_BYTES,
    count: ids.length,
    part,
    separator: EMPTY_BYTES,
    after: EMPTY_BYTES,
    bytes,
  };
}

function deletedMessage(id: string, codec: Codec): Uint8Array {
  const wire = encodeAffiliateField(id, EMPTY_BYTES, []);
  const parts =
    codec === "binary"
      ? [wire, DELETED_FIELD]
      : [JSON_BEFORE, encodeAffiliateJson(id, wire), JSON_AFTER_DELETED];
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  return concatBytes(envelopeHead(bytes), ...parts);
}

function inEnvelope(message: Parts): Parts {
  const before = concatBytes(envelopeHead(message.bytes), message.before);
  return { ...message, before, bytes: ENVELOPE_HEAD_BYTES + message.bytes };
}

function envelopeHead(bytes: number): Uint8Array {
  const head = new Uint8Array(ENVELOPE_HEAD_BYTES);
  new DataView(head.buffer).setUint32(ENVELOPE_LENGTH_OFFSET, bytes);
  return head;
}

/** Looks no further than it must. */
function isSmall(views: readonly AffiliateView[]): boolean {
  let bytes = 0;
  for (const view of views) {
    bytes += affiliateWireBytes(view);
    if (bytes > MAX_WHOLE_BYTES) return false;
  }
  return true;
}

function ascii(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
