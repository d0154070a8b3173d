/**
 * What happens to one affiliate: the pure core that every registry shares. No clock, no I/O,
 * nothing is changed in place.
 * @see docs/protocol.md, "What the server does"
 * @module
 */
import { EMPTY_BYTES, equalBytes } from "../bytes.ts";
import { checkEndpointCount, checkUpdate, type RegistryLimits } from "./limits.ts";
import {
  type AffiliateState,
  type AffiliateTimes,
  ownMsLeft,
  packAffiliate,
  wireStart,
} from "./packed-affiliate.ts";
import { findData, findEndpoints, isAt } from "./packed-wire.ts";
import type { UpdateRequest } from "./registry.ts";

/** What an update comes to. */
export interface MergeResult {
  /** The state to keep; `null` if the affiliate expires at once: its TTL was 0. */
  readonly next: AffiliateState | null;
  /** Whether `next` differs from the state given, if only in its times. */
  readonly write: boolean;
  /** Whether watchers are to hear of it: of an update, or of a delete if `next` is `null`. */
  readonly announce: boolean;
}

/**
 * Merges an update into an affiliate.
 *
 * Data replaces data and sets the expiry, also to earlier; without data the expiry only moves
 * later. A known endpoint keeps its place and the later of its expiries, a new one is appended.
 * What has expired by `now` takes no part.
 *
 * What an update with data reports is its node's own, for that update's TTL. If it finds no room
 * for its endpoints, those that only others have reported make room, the oldest first. An update
 * without data displaces nothing.
 *
 * @param state - `null` if there is no such affiliate. Not changed.
 * @param request - Its bytes are copied where they are kept.
 * @param now - In ms of the clock of `state`.
 * @throws {DiscoveryError} `ERR_CLUSTER_ID_EMPTY` to `ERR_TTL_NEGATIVE`, `ERR_TOO_MANY_ENDPOINTS`.
 */
export function merge(
  state: AffiliateState | null,
  request: UpdateRequest,
  now: number,
  limits: RegistryLimits,
): MergeResult {
  return mergeUpdate(state, request, now, limits, false);
}

/**
 * As {@link merge}, for an owner of `state` that keeps no other: if only times change, they are
 * written over those of `state`, which is then `next`.
 */
export function mergeInPlace(
  state: AffiliateState | null,
  request: UpdateRequest,
  now: number,
  limits: RegistryLimits,
): MergeResult {
  return mergeUpdate(state, request, now, limits, true);
}

function mergeUpdate(
  state: AffiliateState | null,
  request: UpdateRequest,
  now: number,
  limits: RegistryLimits,
  isInPlace: boolean,
): MergeResult {
  checkUpdate(request, limits);
  const { data: newData } = request;
  const hasData = newData !== undefined && newData.length > 0;
  const until = now + request.ttlMs;
  if (state !== null && until > now && now < state.dueAt) {
    const data = hasData ? newData : undefined;
    const refresh = state.refreshed(data, request.endpoints, now, until, isInPlace);
    if (refresh !== undefined) {
      return { next: refresh.state, write: refresh.hasChanged, announce: refresh.isNewData };
    }
  }
  const alive = state === null ? null : expire(state, now);
  const before = alive?.times;
  const expiresAt = before === undefined || hasData ? until : Math.max(before.expiresAt, until);

  const known = new KnownEndpoints(alive);
  const { added, displaced, endpointExpiries, ownMs, hasChanged } = mergeEndpoints(
    known,
    before,
    request,
    now,
    limits,
  );
  if (expiresAt <= now) return { next: null, write: state !== null, announce: state !== null };
  // A TTL of 0: new endpoints were counted, so that the limit does not depend on it, and have
  // expired already. It has no data, so that it has displaced nothing.
  if (until <= now) {
    added.length = 0;
    endpointExpiries.length = known.count;
    ownMs.length = known.count;
  }

  const times: AffiliateTimes = {
    registeredAt: before?.registeredAt ?? now,
    updatedAt: hasData ? now : (before?.updatedAt ?? Number.NaN),
    ttlMs: hasData ? Math.ceil(request.ttlMs) : (before?.ttlMs ?? 0),
    expiresAt,
    endpointExpiries,
    ownMs,
  };
  const isNewData = hasData && !known.hasData(newData);
  if (alive === null || isNewData || added.length > 0) {
    const endpoints = [...known.all(displaced), ...added];
    const data = hasData ? newData : known.data;
    const next = packAffiliate(request.affiliateId, data, endpoints, times);
    return { next, write: true, announce: true };
  }
  const announce = alive !== state;
  const isSame =
    !hasChanged &&
    times.expiresAt === before?.expiresAt &&
    times.ttlMs === before.ttlMs &&
    Object.is(times.updatedAt, before.updatedAt);
  if (!announce && isSame) return { next: state, write: false, announce };
  if (!isInPlace) return { next: alive.withTimes(times), write: true, announce };
  alive.overwriteTimes(times);
  return { next: alive, write: true, announce };
}

/**
 * Takes away what has expired.
 *
 * @returns The same object if nothing is due, `null` if all has expired.
 */
export function expire(state: AffiliateState, now: number): AffiliateState | null {
  if (now < state.dueAt) return state;
  if (now >= state.expiresAt) return null;
  const { times } = state;
  const hasExpired = times.endpointExpiries.map((expiry) => now >= expiry);
  const isAlive = (_: unknown, i: number): boolean => hasExpired[i] !== true;
  const { id, data, endpoints } = state.view;
  return packAffiliate(id, data, endpoints.filter(isAlive), {
    ...times,
    endpointExpiries: times.endpointExpiries.filter(isAlive),
    ownMs: times.ownMs.filter(isAlive),
  });
}

/**
 * An affiliate that did not come about by updates. Its endpoints count as reported by others, until
 * its node reports them again.
 *
 * @param data - Copied. So are `endpoints`, which have one expiry each.
 * @param registeredAt - If known.
 */
export function createAffiliateState(
  id: string,
  data: Uint8Array,
  expiresAt: number,
  endpoints: readonly Uint8Array[],
  endpointExpiries: readonly number[],
  registeredAt?: number,
): AffiliateState {
  return packAffiliate(id, data, endpoints, {
    registeredAt: registeredAt ?? Number.NaN,
    updatedAt: Number.NaN,
    ttlMs: 0,
    expiresAt,
    endpointExpiries,
    ownMs: new Array<number>(endpoints.length).fill(0),
  });
}

/** The endpoints that an affiliate has, read where they are. */
class KnownEndpoints {
  readonly count: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #numbers: DataView | undefined;
  readonly #starts: readonly number[];
  readonly #lengths: readonly number[];
  readonly #wireStart: number;

  constructor(state: AffiliateState | null) {
    this.#bytes = state?.packed ?? (EMPTY_BYTES as Uint8Array<ArrayBuffer>);
    this.#numbers = state?.numbers;
    this.#wireStart = wireStart(state?.view.endpointCount ?? 0);
    const { starts, lengths } =
      state === null ? NO_ENDPOINTS : findEndpoints(this.#bytes, this.#wireStart);
    this.#starts = starts;
    this.#lengths = lengths;
    this.count = starts.length;
  }

  get data(): Uint8Array {
    if (this.#bytes.length === 0) return EMPTY_BYTES;
    const { dataStart, dataEnd } = findData(this.#bytes, this.#wireStart);
    return this.#bytes.subarray(dataStart, dataEnd);
  }

  hasData(data: Uint8Array): boolean {
    if (this.#numbers === undefined) return false;
    const { dataStart, dataEnd } = findData(this.#bytes, this.#wireStart);
    return dataEnd - dataStart === data.length && isAt(this.#numbers, dataStart, data);
  }

  /** Whether the endpoint at this place has these bytes. */
  isAt(place: number, endpoint: Uint8Array): boolean {
    if (this.#numbers === undefined || this.#lengths[place] !== endpoint.length) return false;
    return isAt(this.#numbers, this.#starts[place] as number, endpoint);
  }

  /** All but those at the places in `displaced`. */
  all(displaced: ReadonlySet<number> | undefined): Uint8Array[] {
    const all: Uint8Array[] = [];
    for (let place = 0; place < this.count; place++) {
      if (displaced?.has(place) !== true) all.push(this.#at(place));
    }
    return all;
  }

  find(endpoint: Uint8Array): number | undefined {
    for (let place = 0; place < this.count; place++) if (this.isAt(place, endpoint)) return place;
    return undefined;
  }

  /** Their places by {@link keyOf}. */
  places(): Map<string, number> {
    const places = new Map<string, number>();
    for (let place = 0; place < this.count; place++) places.set(keyOf(this.#at(place)), place);
    return places;
  }

  #at(place: number): Uint8Array {
    const start = this.#starts[place] as number;
    return this.#bytes.subarray(start, start + (this.#lengths[place] as number));
  }
}

/** Up to so many endpoints of a request are searched for one by one. */
const FEW_ENDPOINTS = 8;

const NO_ENDPOINTS = /* @__PURE__ */ Object.freeze({ starts: [], lengths: [] });

interface MergedEndpoints {
  /** Those that are new, in order. They come after the known ones. */
  readonly added: Uint8Array[];
  /** Places of the known ones that make room. */
  readonly displaced: ReadonlySet<number> | undefined;
  /** Of those that stay and of `added`. */
  readonly endpointExpiries: number[];
  readonly ownMs: number[];
  /** Whether times of known ones have changed. */
  readonly hasChanged: boolean;
}

/** @param times - Of the known ones; its arrays are changed. */
function mergeEndpoints(
  known: KnownEndpoints,
  times: AffiliateState["times"] | undefined,
  { data, endpoints, ttlMs }: UpdateRequest,
  now: number,
  limits: RegistryLimits,
): MergedEndpoints {
  const until = now + ttlMs;
  const isOwn = data !== undefined && data.length > 0;
  // Over 0 also for a TTL of 0: the node's own count against the limit all the same.
  const ownTtlMs = Math.max(Math.ceil(ttlMs), 1);
  const expiries = times?.endpointExpiries ?? [];
  const ownMs = times?.ownMs ?? [];
  let hasChanged = false;
  if (isOwn && times !== undefined) {
    for (let i = 0; i < ownMs.length; i++) {
      ownMs[i] = ownMsLeft(times.updatedAt, ownMs[i] as number, now);
    }
    hasChanged = times.updatedAt !== now;
  }
  const added: Uint8Array[] = [];
  let places: Map<string, number> | undefined;
  // A refresh repeats what is known in its order, so that the next one is mostly the next known
  // one. Few others are searched for; the index is for many: without it a large request of repeats
  // would cost known × reported comparisons.
  const hasFew = endpoints.length <= FEW_ENDPOINTS;
  let guess = 0;
  for (const endpoint of endpoints) {
    let place = guess < known.count && known.isAt(guess, endpoint) ? guess : undefined;
    if (place === undefined) {
      const key = hasFew ? "" : keyOf(endpoint);
      if (hasFew) {
        place = known.find(endpoint) ?? findAdded(added, endpoint, known.count);
      } else {
        places ??= known.places();
        place = places.get(key);
      }
      if (place === undefined) {
        // Whatever is displaced: more than that cannot be the node's own.
        checkEndpointCount((isOwn ? 0 : known.count) + added.length + 1, limits);
        places?.set(key, expiries.length);
        added.push(endpoint);
        expiries.push(until);
        ownMs.push(isOwn ? ownTtlMs : 0);
        continue;
      }
    }
    // The later expiry wins: another node's report must not end an endpoint's life.
    if ((expiries[place] as number) < until) {
      expiries[place] = until;
      hasChanged = true;
    }
    if (isOwn && (ownMs[place] as number) < ownTtlMs) {
      ownMs[place] = ownTtlMs;
      hasChanged = true;
    }
    guess = place + 1;
  }
  const excess = expiries.length - limits.maxAffiliateEndpoints;
  if (excess <= 0 || added.length === 0) {
    return { added, displaced: undefined, endpointExpiries: expiries, ownMs, hasChanged };
  }
  // They are in the order in which they were first reported.
  const others = ownMs.flatMap((ms, place) => (ms === 0 ? place : []));
  checkEndpointCount(expiries.length - others.length, limits);
  const displaced = new Set(others.slice(0, excess));
  const stays = (_: number, place: number): boolean => !displaced.has(place);
  return {
    added,
    displaced,
    endpointExpiries: expiries.filter(stays),
    ownMs: ownMs.filter(stays),
    hasChanged,
  };
}

/** @param from - The place of the first of `added`. */
function findAdded(
  added: readonly Uint8Array[],
  endpoint: Uint8Array,
  from: number,
): number | undefined {
  const index = added.findIndex((one) => equalBytes(one, endpoint));
  return index === -1 ? undefined : from + index;
}

/** The bytes as text of one character each, for use as a key. */
function keyOf(bytes: Uint8Array): string {
  let key = "";
  for (let i = 0; i < bytes.length; i++) key += String.fromCharCode(bytes[i] as number);
  return key;
}
