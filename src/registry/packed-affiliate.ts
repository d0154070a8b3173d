/**
 * The packed form: all that a registry knows of an affiliate, in one buffer, wire form included.
 *
 * Numbers are little-endian, instants are doubles in ms of the registry's clock, `n` is the number
 * of endpoints:
 *
 * | offset | bytes | what |
 * | --- | --- | --- |
 * | 0 | 1 | version of the form, 1 |
 * | 1 | 4 | `n` |
 * | 5 | 4 | TTL of the last update with data, in ms, rounded up; 0 if there was none |
 * | 9 | 8 | when first registered; NaN if unknown |
 * | 17 | 8 | when last updated with data; NaN if never or unknown |
 * | 25 | 8 | when the affiliate expires |
 * | 33 | 8`n` | when each endpoint expires |
 * | 33 + 8`n` | 4`n` | for each endpoint: how long after the last update with data the node's own report of it lasts, in ms; 0 if only others have reported it |
 * | 33 + 12`n` | rest | the entry of field 1 in `ListResponse` and `WatchResponse`: ID, data, endpoints |
 *
 * A value has one form only, so that equal bytes are equal states.
 * @module
 */
import { equalBytes } from "../bytes.ts";
import {
  fieldBytes,
  isAscii,
  varintBytes,
  writeBytes,
  writeHead,
} from "../protocol/field-bytes.ts";
import { affiliateFieldBytes, writeAffiliateField } from "../protocol/sealed.ts";
import {
  AFFILIATES_TAG,
  byteAt,
  DATA_TAG,
  findData,
  findEndpoints,
  hasFields,
  ID_TAG,
  isField,
  malformed,
  skipField,
  skipLength,
} from "./packed-wire.ts";
import type { AffiliateView } from "./registry.ts";

const VERSION = 1;
const COUNT_OFFSET = 1;
const TTL_OFFSET = 5;
const REGISTERED_OFFSET = 9;
const UPDATED_OFFSET = 17;
const EXPIRES_OFFSET = 25;
const HEADER_BYTES = 33;
const EXPIRY_BYTES = 8;
const OWN_BYTES = 4;

const MAX_UINT32 = 0xffff_ffff;

/**
 * An affiliate whose entry of field 1 in `ListResponse` and `WatchResponse` stands ready.
 * Immutable.
 */
export interface WiredAffiliateView extends AffiliateView {
  /** Tag, length and message: a part of the affiliate's buffer. */
  readonly wire: Uint8Array;
  /** Size of `wire`, for which it need not be made. */
  readonly wireBytes: number;
}

/** The times of an affiliate. */
export interface AffiliateTimes {
  /** NaN if unknown. */
  readonly registeredAt: number;
  /** When it was last updated with data; NaN if never or unknown. */
  readonly updatedAt: number;
  /** Of that update; 0 if there was none. Rounded up to whole ms. */
  readonly ttlMs: number;
  readonly expiresAt: number;
  readonly endpointExpiries: readonly number[];
  /** For each endpoint, in whole ms from `updatedAt`: how long its node's own report lasts. */
  readonly ownMs: readonly number[];
}

/**
 * What is visible of a packed affiliate. `data`, `endpoints` and `wire` are made when asked for,
 * and are parts of its buffer.
 */
export class PackedView implements WiredAffiliateView {
  readonly id: string;
  #buffer: ArrayBuffer;
  readonly #wireStart: number;

  constructor(id: string, buffer: ArrayBuffer, endpoints: number) {
    this.id = id;
    this.#buffer = buffer;
    this.#wireStart = wireStart(endpoints);
  }

  /** The whole packed form, times included. */
  get buffer(): ArrayBuffer {
    return this.#buffer;
  }

  get wire(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, this.#wireStart);
  }

  get wireBytes(): number {
    return this.#buffer.byteLength - this.#wireStart;
  }

  get data(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#buffer);
    const { dataStart, dataEnd } = findData(bytes, this.#wireStart);
    return bytes.subarray(dataStart, dataEnd);
  }

  get endpoints(): readonly Uint8Array<ArrayBuffer>[] {
    const bytes = new Uint8Array(this.#buffer);
    const { starts, lengths } = findEndpoints(bytes, this.#wireStart);
    return starts.map((start, i) => bytes.subarray(start, start + (lengths[i] as number)));
  }

  /** How many endpoints. */
  get endpointCount(): number {
    return (this.#wireStart - HEADER_BYTES) / (EXPIRY_BYTES + OWN_BYTES);
  }

  /** Lets go of its buffer for one that differs in times only. */
  moveTo(buffer: ArrayBuffer): void {
    this.#buffer = buffer;
  }
}

/**
 * One affiliate and when its parts expire. Instants are ms of the registry's clock; what expires at
 * an instant is no longer there at it.
 */
export class AffiliateState {
  /** What is listed and sent. The same object as long as nothing in it changes. */
  readonly view: PackedView;
  /** The packed form. */
  readonly buffer: ArrayBuffer;
  readonly #numbers: DataView;
  #dueAt: number | undefined;

  /** @param buffer - Not checked, and not copied. */
  constructor(view: PackedView, buffer: ArrayBuffer) {
    this.view = view;
    this.buffer = buffer;
    this.#numbers = new DataView(buffer);
  }

  /** The packed form, which {@link unpackAffiliate} reads back. Not to be changed. */
  get packed(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer);
  }

  /** The packed form, to read numbers and single bytes. */
  get numbers(): DataView {
    return this.#numbers;
  }

  /** When it was first registered; `undefined` if unknown. */
  get registeredAt(): number | undefined {
    return known(this.#numbers.getFloat64(REGISTERED_OFFSET, true));
  }

  /** When it was last updated with data; `undefined` if never, or not since it was restored. */
  get updatedAt(): number | undefined {
    return known(this.#numbers.getFloat64(UPDATED_OFFSET, true));
  }

  /** TTL of that update, rounded up to whole ms; `undefined` as `updatedAt`. */
  get ttlMs(): number | undefined {
    return this.updatedAt === undefined ? undefined : this.#numbers.getUint32(TTL_OFFSET, true);
  }

  /** When the affiliate expires, with all its endpoints. */
  get expiresAt(): number {
    return this.#numbers.getFloat64(EXPIRES_OFFSET, true);
  }

  /** When each endpoint of the view expires; may be later than `expiresAt`. */
  get endpointExpiries(): readonly number[] {
    return this.times.endpointExpiries;
  }

  /**
   * Until when each endpoint of the view counts as reported by its own node; `undefined` for one
   * that only others have reported.
   */
  get ownUntil(): readonly (number | undefined)[] {
    const { updatedAt, ownMs } = this.times;
    return ownMs.map((ms) => (ms === 0 ? undefined : updatedAt + ms));
  }

  /** The earliest of the expiries: until then `expire` has nothing to do. */
  get dueAt(): number {
    this.#dueAt ??= findDueAt(this.#numbers);
    return this.#dueAt;
  }

  /** All numbers, in arrays of the caller's own. */
  get times(): AffiliateTimes & {
    readonly endpointExpiries: number[];
    readonly ownMs: number[];
  } {
    const numbers = this.#numbers;
    const count = numbers.getUint32(COUNT_OFFSET, true);
    const ownStart = HEADER_BYTES + count * EXPIRY_BYTES;
    const endpointExpiries: number[] = [];
    const ownMs: number[] = [];
    for (let i = 0; i < count; i++) {
      endpointExpiries.push(numbers.getFloat64(HEADER_BYTES + i * EXPIRY_BYTES, true));
      ownMs.push(numbers.getUint32(ownStart + i * OWN_BYTES, true));
    }
    return {
      registeredAt: numbers.getFloat64(REGISTERED_OFFSET, true),
      updatedAt: numbers.getFloat64(UPDATED_OFFSET, true),
      ttlMs: numbers.getUint32(TTL_OFFSET, true),
      expiresAt: numbers.getFloat64(EXPIRES_OFFSET, true),
      endpointExpiries,
      ownMs,
    };
  }

  /** Writes other times over its own. @param times - Of as many endpoints. */
  overwriteTimes(times: AffiliateTimes): void {
    writeTimes(this.#numbers, times);
    this.#dueAt = undefined;
  }

  /**
   * Takes an update that repeats all endpoints as they are, in their order: what nodes send most.
   *
   * @param data - `undefined` leaves it alone.
   * @param until - When that update expires; after `now`.
   * @param isInPlace - Whether to write over its own times if nothing else changes.
   * @returns `undefined` if the update says anything else. `state` is the same object if nothing
   *   changes, or if it is written over.
   */
  refreshed(
    data: Uint8Array | undefined,
    endpoints: readonly Uint8Array[],
    now: number,
    until: number,
    isInPlace: boolean,
  ): { state: AffiliateState; hasChanged: boolean; isNewData: boolean } | undefined {
    if (endpoints.length !== this.view.endpointCount) return undefined;
    const numbers = this.#numbers;
    const idStart = skipLength(numbers, wireStart(endpoints.length) + 1);
    const idEnd = byteAt(numbers, idStart) === ID_TAG ? skipField(numbers, idStart) : idStart;
    const dataEnd = byteAt(numbers, idEnd) === DATA_TAG ? skipField(numbers, idEnd) : idEnd;
    if (!hasFields(numbers, dataEnd, endpoints)) return undefined;
    const isOwn = data !== undefined;
    if (isOwn && !(dataEnd > idEnd && isField(numbers, idEnd, dataEnd, data))) {
      const next = this.#withData(data, idStart, idEnd, dataEnd);
      return { state: next.#refresh(isOwn, now, until), hasChanged: true, isNewData: true };
    }
    if (isInPlace) {
      const hasChanged = refresh(numbers, isOwn, now, until, true);
      if (hasChanged) this.#dueAt = undefined;
      return { state: this, hasChanged, isNewData: false };
    }
    const hasChanged = refresh(numbers, isOwn, now, until, false);
    const state = hasChanged
      ? new AffiliateState(this.view, this.buffer.slice(0)).#refresh(isOwn, now, until)
      : this;
    return { state, hasChanged, isNewData: false };
  }

  #refresh(isOwn: boolean, now: number, until: number): this {
    refresh(this.#numbers, isOwn, now, until, true);
    this.#dueAt = undefined;
    return this;
  }

  /** The same with other data, in a buffer of its own. */
  #withData(data: Uint8Array, idStart: number, idEnd: number, dataEnd: number): AffiliateState {
    const before = this.packed;
    const start = wireStart(this.view.endpointCount);
    const endpointsBytes = before.length - dataEnd;
    const messageBytes = idEnd - idStart + fieldBytes(data.length) + endpointsBytes;
    const packed = new Uint8Array(start + fieldBytes(messageBytes));
    packed.set(before.subarray(0, start));
    let at = writeHead(packed, start, AFFILIATES_TAG, messageBytes);
    packed.set(before.subarray(idStart, idEnd), at);
    at += idEnd - idStart;
    at = writeBytes(packed, at, DATA_TAG, data);
    packed.set(before.subarray(dataEnd), at);
    const { id, endpointCount } = this.view;
    return new AffiliateState(new PackedView(id, packed.buffer, endpointCount), packed.buffer);
  }

  /** The same affiliate at other times, with a buffer of its own. The view stays as it is. */
  withTimes(times: AffiliateTimes): AffiliateState {
    const buffer = this.buffer.slice(0);
    writeTimes(new DataView(buffer), times);
    return new AffiliateState(this.view, buffer);
  }
}

/**
 * Packs an affiliate.
 *
 * @param data - Copied. So are `endpoints`.
 */
export function packAffiliate(
  id: string,
  data: Uint8Array,
  endpoints: readonly Uint8Array[],
  times: AffiliateTimes,
): AffiliateState {
  const idBytes = isAscii(id) ? undefined : new TextEncoder().encode(id);
  const start = wireStart(endpoints.length);
  const messageBytes = affiliateFieldBytes(idBytes?.length ?? id.length, data, endpoints);
  const buffer = new ArrayBuffer(start + 1 + varintBytes(messageBytes) + messageBytes);
  writeAffiliateField(new Uint8Array(buffer), start, messageBytes, idBytes ?? id, data, endpoints);
  const numbers = new DataView(buffer);
  numbers.setUint8(0, VERSION);
  numbers.setUint32(COUNT_OFFSET, endpoints.length, true);
  numbers.setFloat64(REGISTERED_OFFSET, times.registeredAt, true);
  writeTimes(numbers, times);
  return new AffiliateState(new PackedView(id, buffer, endpoints.length), buffer);
}

/**
 * Reads an affiliate's packed form.
 *
 * @param bytes - Copied.
 * @throws {DiscoveryError} `ERR_AFFILIATE_MALFORMED` if it is of another version, or damaged.
 * @example
 * const again = unpackAffiliate(state.packed);
 */
export function unpackAffiliate(bytes: Uint8Array): AffiliateState {
  // Not `slice`, which does not copy a Node `Buffer`.
  const packed = new Uint8Array(bytes);
  const { buffer, length } = packed;
  if (length < HEADER_BYTES) throw malformed(`expected at least ${HEADER_BYTES} bytes`);
  if (bytes[0] !== VERSION) throw malformed(`expected version ${VERSION}, got ${bytes[0]}`);
  const count = new DataView(buffer).getUint32(COUNT_OFFSET, true);
  const start = wireStart(count);
  if (start >= length) throw malformed("it is cut short");
  const { idStart, idEnd, dataStart, dataEnd } = findData(packed, start);
  const { starts, lengths } = findEndpoints(packed, start);
  if (starts.length !== count) throw malformed(`expected ${count} endpoints`);
  let id: string;
  try {
    id = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      packed.subarray(idStart, idEnd),
    );
  } catch (cause) {
    throw malformed("the ID is not UTF-8", cause);
  }
  const state = new AffiliateState(new PackedView(id, buffer, count), buffer);
  const { times } = state;
  for (const instant of [times.expiresAt, ...times.endpointExpiries]) {
    if (!Number.isFinite(instant)) throw malformed("an expiry is not finite");
  }
  const endpoints = starts.map((at, i) => packed.subarray(at, at + (lengths[i] as number)));
  if (Number.isNaN(times.updatedAt) && times.ownMs.some((ms) => ms > 0)) {
    throw malformed("endpoints are the node's own without an update of it");
  }
  // What was written anew must be the same: whatever else is wrong shows there.
  const again = packAffiliate(id, packed.subarray(dataStart, dataEnd), endpoints, times);
  if (!equalBytes(again.packed, packed)) throw malformed("it is not in canonical form");
  return state;
}

/** Where the wire form begins. */
export function wireStart(endpoints: number): number {
  return HEADER_BYTES + endpoints * (EXPIRY_BYTES + OWN_BYTES);
}

function writeTimes(numbers: DataView, times: AffiliateTimes): void {
  const { endpointExpiries, ownMs } = times;
  numbers.setUint32(TTL_OFFSET, Math.min(times.ttlMs, MAX_UINT32), true);
  numbers.setFloat64(UPDATED_OFFSET, times.updatedAt, true);
  numbers.setFloat64(EXPIRES_OFFSET, times.expiresAt, true);
  const ownStart = HEADER_BYTES + endpointExpiries.length * EXPIRY_BYTES;
  for (let i = 0; i < endpointExpiries.length; i++) {
    numbers.setFloat64(HEADER_BYTES + i * EXPIRY_BYTES, endpointExpiries[i] as number, true);
    numbers.setUint32(ownStart + i * OWN_BYTES, Math.min(ownMs[i] as number, MAX_UINT32), true);
  }
}

/**
 * The times after an update that repeats everything.
 *
 * @param isWritten - Whether to write them, or only to tell whether they differ.
 */
function refresh(
  numbers: DataView,
  hasData: boolean,
  now: number,
  until: number,
  isWritten: boolean,
): boolean {
  const ttlMs = Math.min(Math.ceil(until - now), MAX_UINT32);
  const updatedAt = numbers.getFloat64(UPDATED_OFFSET, true);
  const expiresAt = numbers.getFloat64(EXPIRES_OFFSET, true);
  let hasChanged = hasData
    ? expiresAt !== until || updatedAt !== now || numbers.getUint32(TTL_OFFSET, true) !== ttlMs
    : expiresAt < until;
  if (isWritten && hasChanged) {
    numbers.setFloat64(EXPIRES_OFFSET, until, true);
    if (hasData) {
      numbers.setFloat64(UPDATED_OFFSET, now, true);
      numbers.setUint32(TTL_OFFSET, ttlMs, true);
    }
  }
  const ownStart = HEADER_BYTES + numbers.getUint32(COUNT_OFFSET, true) * EXPIRY_BYTES;
  for (let at = HEADER_BYTES, ownAt = ownStart; at < ownStart; at += EXPIRY_BYTES) {
    if (numbers.getFloat64(at, true) < until) {
      hasChanged = true;
      if (isWritten) numbers.setFloat64(at, until, true);
    }
    if (hasData) {
      const ownMs = numbers.getUint32(ownAt, true);
      const next = Math.max(ttlMs, ownMsLeft(updatedAt, ownMs, now));
      if (next !== ownMs) {
        hasChanged = true;
        if (isWritten) numbers.setUint32(ownAt, next, true);
      }
    }
    ownAt += OWN_BYTES;
  }
  return hasChanged;
}

/** What is left at `now` of a node's own report, in whole ms. */
export function ownMsLeft(updatedAt: number, ownMs: number, now: number): number {
  return ownMs === 0 ? 0 : Math.max(Math.ceil(updatedAt + ownMs - now), 0);
}

/** When the first of an affiliate's parts expires. */
export function dueAtOf(view: PackedView): number {
  return findDueAt(new DataView(view.buffer));
}

/** Whether an affiliate has expired as a whole. */
export function hasExpired(view: PackedView, now: number): boolean {
  return new DataView(view.buffer).getFloat64(EXPIRES_OFFSET, true) <= now;
}

function findDueAt(numbers: DataView): number {
  const end = HEADER_BYTES + numbers.getUint32(COUNT_OFFSET, true) * EXPIRY_BYTES;
  let dueAt = numbers.getFloat64(EXPIRES_OFFSET, true);
  for (let at = HEADER_BYTES; at < end; at += EXPIRY_BYTES) {
    const expiry = numbers.getFloat64(at, true);
    if (expiry < dueAt) dueAt = expiry;
  }
  return dueAt;
}

function known(instant: number): number | undefined {
  return Number.isNaN(instant) ? undefined : instant;
}
