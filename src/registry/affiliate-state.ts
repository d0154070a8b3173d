/**
 * What happens to one affiliate: the pure core that every registry shares. No clock, no I/O,
 * nothing is changed in place.
 * @see docs/protocol.md, "What the server does"
 * @module
 */
import { EMPTY_BYTES, equalBytes } from "../bytes.ts";
import { createAffiliateView, type WiredAffiliateView } from "./affiliate-wire.ts";
import { checkEndpointCount, checkUpdate, type RegistryLimits } from "./limits.ts";
import type { UpdateRequest } from "./registry.ts";

/**
 * One affiliate and when its parts end. Instants are ms of the registry's clock; what ends at an
 * instant is gone at it.
 */
export interface AffiliateState {
  /** What is listed and sent. The same object for as long as nothing in it changes. */
  readonly view: WiredAffiliateView;
  /** When the affiliate ends, with all its endpoints. */
  readonly expiresAt: number;
  /** When each endpoint of the view ends; may be later than `expiresAt`. */
  readonly endpointExpiries: readonly number[];
  /** The earliest of these instants: until then `expire` has nothing to do. */
  readonly dueAt: number;
}

/** What an update comes to. */
export interface MergeResult {
  /** The state to keep; `null` where the affiliate is gone, or never was: its TTL was 0. */
  readonly next: AffiliateState | null;
  /** Whether `next` differs from the state given, if only in its expiry. */
  readonly write: boolean;
  /** Whether watchers are to hear of it: of an update, or of a delete where `next` is `null`. */
  readonly announce: boolean;
}

/**
 * Merges an update into an affiliate.
 *
 * Data replaces data and sets the expiry, also to earlier; without data the expiry only moves
 * later. A known endpoint keeps its place and the later of its expiries, a new one is appended.
 * What has expired by `now` takes no part.
 *
 * @param state - `null` where there is no such affiliate.
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
  checkUpdate(request, limits);
  const alive = state === null ? null : expire(state, now);
  const { data: newData } = request;
  const hasData = newData !== undefined && newData.length > 0;
  const until = now + request.ttlMs;
  const expiresAt = alive === null || hasData ? until : Math.max(alive.expiresAt, until);

  const known = alive?.view.endpoints ?? [];
  const { added, expiries } = mergeEndpoints(
    known,
    alive?.endpointExpiries ?? [],
    request.endpoints,
    until,
    limits,
  );
  if (expiresAt <= now) return { next: null, write: state !== null, announce: state !== null };
  // A TTL of 0: new endpoints were counted, so that the limit does not depend on it, and are gone
  // already.
  if (until <= now) {
    added.length = 0;
    expiries.length = known.length;
  }

  const isNewData = hasData && !(alive !== null && equalBytes(alive.view.data, newData));
  let view = alive?.view;
  if (view === undefined || isNewData || added.length > 0) {
    view = createAffiliateView(
      request.affiliateId,
      hasData ? newData : (view?.data ?? EMPTY_BYTES),
      added.length > 0 ? [...known, ...added] : known,
    );
  }
  const announce = view !== state?.view;
  if (
    !announce &&
    state?.expiresAt === expiresAt &&
    state.endpointExpiries.every((expiry, i) => expiry === expiries[i])
  ) {
    return { next: state, write: false, announce };
  }
  return { next: createState(view, expiresAt, expiries), write: true, announce };
}

/**
 * Takes away what has expired.
 *
 * @returns The same object where nothing is due, `null` where all is gone.
 */
export function expire(state: AffiliateState, now: number): AffiliateState | null {
  if (now < state.dueAt) return state;
  if (now >= state.expiresAt) return null;
  const endpoints: Uint8Array[] = [];
  const expiries: number[] = [];
  for (const [i, expiry] of state.endpointExpiries.entries()) {
    if (now >= expiry) continue;
    endpoints.push(state.view.endpoints[i] as Uint8Array);
    expiries.push(expiry);
  }
  const view = createAffiliateView(state.view.id, state.view.data, endpoints);
  return createState(view, state.expiresAt, expiries);
}

/**
 * An affiliate that did not come about by updates.
 *
 * @param data - Copied. So are `endpoints`, which have one expiry each.
 */
export function createAffiliateState(
  id: string,
  data: Uint8Array,
  expiresAt: number,
  endpoints: readonly Uint8Array[],
  endpointExpiries: readonly number[],
): AffiliateState {
  return createState(createAffiliateView(id, data, endpoints), expiresAt, endpointExpiries);
}

function createState(
  view: WiredAffiliateView,
  expiresAt: number,
  endpointExpiries: readonly number[],
): AffiliateState {
  let dueAt = expiresAt;
  for (const expiry of endpointExpiries) if (expiry < dueAt) dueAt = expiry;
  return { view, expiresAt, endpointExpiries, dueAt };
}

/** Which endpoints are new, in order, and when all of them end then. */
function mergeEndpoints(
  known: readonly Uint8Array[],
  knownExpiries: readonly number[],
  reported: readonly Uint8Array[],
  until: number,
  limits: RegistryLimits,
): { added: Uint8Array[]; expiries: number[] } {
  const expiries = knownExpiries.slice();
  const added: Uint8Array[] = [];
  let places: Map<string, number> | undefined;
  // A refresh repeats what is known in its order, so that the next one is mostly the next known
  // one. The index is for the rest: without it a large request of many repeats would cost known ×
  // reported comparisons.
  let guess = 0;
  for (const endpoint of reported) {
    const expected = known[guess];
    let place = expected !== undefined && equalBytes(expected, endpoint) ? guess : undefined;
    if (place === undefined) {
      places ??= new Map(known.map((bytes, i) => [keyOf(bytes), i]));
      const key = keyOf(endpoint);
      place = places.get(key);
      if (place === undefined) {
        checkEndpointCount(expiries.length + 1, limits);
        places.set(key, expiries.length);
        added.push(endpoint);
        expiries.push(until);
        continue;
      }
    }
    // The later expiry wins: another node's report must not end an endpoint's life.
    if ((expiries[place] as number) < until) expiries[place] = until;
    guess = place + 1;
  }
  return { added, expiries };
}

/** The bytes as text of one character each, for use as a key. */
function keyOf(bytes: Uint8Array): string {
  let key = "";
  for (let i = 0; i < bytes.length; i++) key += String.fromCharCode(bytes[i] as number);
  return key;
}
