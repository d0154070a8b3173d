import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeAffiliateField } from "../../../src/protocol/sealed.ts";
import {
  createAffiliateState,
  expire,
  merge,
  mergeInPlace,
} from "../../../src/registry/affiliate-state.ts";
import { affiliateWire, createAffiliateView } from "../../../src/registry/affiliate-wire.ts";
import { DEFAULT_REGISTRY_LIMITS } from "../../../src/registry/limits.ts";
import { type AffiliateState, unpackAffiliate } from "../../../src/registry/packed-affiliate.ts";
import type { UpdateRequest } from "../../../src/registry/registry.ts";
import { sealedBytes, sealedEndpoints } from "./sealed-bytes.ts";

const NOW = 10_000;
const [e1, e2, e3] = sealedEndpoints(3) as [Uint8Array, Uint8Array, Uint8Array];

function request(changes: Partial<UpdateRequest> = {}): UpdateRequest {
  return { clusterId: "c", affiliateId: "a", endpoints: [], ttlMs: 1_000, ...changes };
}

function merged(state: AffiliateState | null, changes: Partial<UpdateRequest>, now = NOW) {
  return merge(state, request(changes), now, DEFAULT_REGISTRY_LIMITS);
}

function create(changes: Partial<UpdateRequest>, now = NOW): AffiliateState {
  const { next } = merged(null, changes, now);
  if (next === null) throw new Error("nothing created");
  return next;
}

describe("merge", () => {
  test("an update with neither data nor endpoints creates the affiliate", () => {
    const { next, write, announce } = merged(null, {});
    expect(next).toMatchObject({ expiresAt: 11_000, dueAt: 11_000, endpointExpiries: [] });
    expect(next?.view).toMatchObject({ id: "a", data: new Uint8Array(0), endpoints: [] });
    expect({ write, announce }).toEqual({ write: true, announce: true });
  });

  test("data replaces data and sets the expiry, also to earlier", () => {
    const state = create({ data: sealedBytes(1), ttlMs: 5_000 });
    const { next, announce } = merged(state, { data: sealedBytes(2), ttlMs: 1_000 });
    expect(next?.view.data).toEqual(sealedBytes(2));
    expect(next?.expiresAt).toBe(11_000);
    expect(announce).toBe(true);
  });

  test.each([undefined, new Uint8Array(0)])(
    "absent or empty data leaves the data alone: %o",
    (data) => {
      const state = create({ data: sealedBytes(1) });
      const { next, announce } = merged(state, { data, endpoints: [e1] });
      expect(next?.view.data).toEqual(sealedBytes(1));
      expect(next?.view.endpoints).toEqual([e1]);
      expect(announce).toBe(true);
    },
  );

  test("an update without data moves the affiliate's expiry later, never earlier", () => {
    const state = create({ data: sealedBytes(1), ttlMs: 5_000 });
    expect(merged(state, { endpoints: [e1], ttlMs: 1_000 }).next?.expiresAt).toBe(15_000);
    expect(merged(state, { endpoints: [e1], ttlMs: 6_000 }).next?.expiresAt).toBe(16_000);
    expect(merged(state, { ttlMs: 6_000 }).next?.expiresAt).toBe(16_000);
  });

  test("a known endpoint keeps its place and the later expiry, a new one is appended, in order", () => {
    const state = create({ endpoints: [e1, e2], ttlMs: 5_000 });
    const { next } = merged(state, { endpoints: [e3, e2], ttlMs: 6_000 });
    expect(next?.view.endpoints).toEqual([e1, e2, e3]);
    expect(next?.endpointExpiries).toEqual([15_000, 16_000, 16_000]);
    const shorter = merged(state, { endpoints: [e2, e3, e1], ttlMs: 1_000 }).next;
    expect(shorter?.view.endpoints).toEqual([e1, e2, e3]);
    expect(shorter?.endpointExpiries).toEqual([15_000, 15_000, 11_000]);
    expect(shorter?.dueAt).toBe(11_000);
  });

  test("an endpoint that a request repeats is there once", () => {
    expect(create({ endpoints: [e1, e1, e2, e1] }).view.endpoints).toEqual([e1, e2]);
  });

  test("a byte-identical refresh without a new endpoint moves the expiry and announces nothing", () => {
    const state = create({ data: sealedBytes(1), endpoints: [e1, e2] });
    const refresh = { data: sealedBytes(1), endpoints: [e2, e1], ttlMs: 1_000 };
    const { next, write, announce } = merged(state, refresh, NOW + 500);
    expect(next?.view).toBe(state.view);
    expect(next).toMatchObject({ expiresAt: 11_500, endpointExpiries: [11_500, 11_500] });
    expect({ write, announce }).toEqual({ write: true, announce: false });
  });

  test("an update that changes nothing at all is not even written", () => {
    const state = create({ data: sealedBytes(1), endpoints: [e1] });
    const { next, write, announce } = merged(state, { endpoints: [e1], ttlMs: 200 });
    expect(next).toBe(state);
    expect({ write, announce }).toEqual({ write: false, announce: false });
  });

  test("what has expired takes no part: an affiliate begins anew, an endpoint's end is announced", () => {
    const state = create({ data: sealedBytes(1), endpoints: [e1], ttlMs: 1_000 });
    const reborn = merged(state, { endpoints: [e2] }, 11_000);
    expect(reborn.next?.view).toMatchObject({ data: new Uint8Array(0), endpoints: [e2] });
    expect(reborn.announce).toBe(true);

    const longer = merged(state, { data: sealedBytes(1), ttlMs: 5_000 }).next;
    const refreshed = merged(longer, { data: sealedBytes(1), ttlMs: 5_000 }, 11_000);
    expect(refreshed.next?.view.endpoints).toEqual([]);
    expect(refreshed.announce).toBe(true);
  });

  test("with a TTL of 0 nothing comes to be, and an affiliate that is given data is gone", () => {
    expect(merged(null, { data: sealedBytes(1), endpoints: [e1], ttlMs: 0 })).toEqual({
      next: null,
      write: false,
      announce: false,
    });
    const state = create({ data: sealedBytes(1) });
    expect(merged(state, { data: sealedBytes(1), ttlMs: 0 })).toEqual({
      next: null,
      write: true,
      announce: true,
    });
    expect(merged(state, { endpoints: [e1], ttlMs: 0 })).toEqual({
      next: state,
      write: false,
      announce: false,
    });
  });

  test("64 different endpoints are taken and the 65th refuses the whole request", () => {
    const state = create({ data: sealedBytes(1), endpoints: sealedEndpoints(63) });
    const full = merged(state, { endpoints: sealedEndpoints(64) }).next;
    expect(full?.view.endpoints).toHaveLength(64);
    const before = state.packed.slice();
    expect(() =>
      merged(state, { data: sealedBytes(2), endpoints: sealedEndpoints(2, 63) }),
    ).toThrow(
      expect.objectContaining({
        code: "ERR_TOO_MANY_ENDPOINTS",
        message: "too many endpoints in the affiliate",
      }),
    );
    expect(state.packed).toEqual(before);
    expect(merged(full as AffiliateState, { endpoints: sealedEndpoints(64) }).announce).toBe(false);
  });

  test("an update with data displaces what only others have reported, the oldest first", () => {
    const state = create({ data: sealedBytes(1), endpoints: sealedEndpoints(2) });
    const full = merged(state, { endpoints: sealedEndpoints(62, 2) }).next;
    // Its own by now, and no longer to be displaced.
    const claimed = merged(full, { data: sealedBytes(1), endpoints: sealedEndpoints(1, 2) }).next;
    const { next, announce } = merged(claimed, {
      data: sealedBytes(2),
      endpoints: sealedEndpoints(2, 100),
    });
    expect(next?.view.endpoints).toEqual([
      ...sealedEndpoints(3),
      ...sealedEndpoints(59, 5),
      ...sealedEndpoints(2, 100),
    ]);
    expect(next?.view.data).toEqual(sealedBytes(2));
    expect(announce).toBe(true);
    expect(next?.ownUntil.filter((until) => until !== undefined)).toEqual(Array(5).fill(11_000));
  });

  test("an update without data displaces nothing, and leaves what is a node's own", () => {
    const state = create({ data: sealedBytes(1), endpoints: [e1], ttlMs: 5_000 });
    const full = merged(state, { endpoints: sealedEndpoints(64), ttlMs: 9_000 }).next;
    expect(full?.ownUntil.slice(0, 2)).toEqual([15_000, undefined]);
    expect(() => merged(full, { endpoints: sealedEndpoints(1, 64) })).toThrow(
      expect.objectContaining({ code: "ERR_TOO_MANY_ENDPOINTS" }),
    );
  });

  test("64 of a node's own are refused another as a whole, until its report of them has expired", () => {
    const own = { data: sealedBytes(1), endpoints: sealedEndpoints(64), ttlMs: 1_000 };
    const state = create(own);
    // Others prolong the endpoints of a node, and so cannot keep it from naming new ones.
    const prolonged = merged(state, { endpoints: sealedEndpoints(64), ttlMs: 9_000 }).next;
    const moved = { data: sealedBytes(2), endpoints: sealedEndpoints(64, 64), ttlMs: 1_000 };
    const before = prolonged?.packed.slice();
    for (const ttlMs of [0, 1_000]) {
      expect(() => merged(prolonged, { ...moved, ttlMs }, 10_999)).toThrow(
        expect.objectContaining({ code: "ERR_TOO_MANY_ENDPOINTS" }),
      );
    }
    expect(prolonged?.packed).toEqual(before);
    const { next } = merged(prolonged, moved, 11_000);
    expect(next?.view.endpoints).toEqual(sealedEndpoints(64, 64));
  });

  test("what is restored counts as reported by others until its node reports it", () => {
    const endpoints = sealedEndpoints(64);
    const expiries = endpoints.map(() => 20_000);
    const state = createAffiliateState("a", sealedBytes(1), 20_000, endpoints, expiries);
    expect(state.ownUntil).toEqual(endpoints.map(() => undefined));
    const { next } = merged(state, { data: sealedBytes(1), endpoints: [e1, sealedBytes(64)] });
    expect(next?.view.endpoints).toEqual([e1, ...sealedEndpoints(63, 2)]);
  });

  test("expired endpoints do not count against the limit, new ones with a TTL of 0 do", () => {
    const state = create({ data: sealedBytes(1), ttlMs: 9_000 });
    const full = merged(state, { endpoints: sealedEndpoints(64), ttlMs: 1_000 }).next;
    expect(merged(full, { endpoints: [sealedBytes(99)] }, 11_000).next?.view.endpoints).toEqual([
      sealedBytes(99),
    ]);
    expect(() => merged(full, { endpoints: [sealedBytes(99)], ttlMs: 0 })).toThrow(
      expect.objectContaining({ code: "ERR_TOO_MANY_ENDPOINTS" }),
    );
  });

  test("a request of very many repeated endpoints costs no more than its length", () => {
    const state = create({ endpoints: sealedEndpoints(64) });
    // Backwards, so that none is where it is expected.
    const repeats = Array.from({ length: 100_000 }, (_, i) => sealedBytes(63 - (i % 64)));
    expect(merged(state, { endpoints: repeats }).write).toBe(false);
  });

  test("bytes are copied, also out of a Buffer", () => {
    const buffer = Buffer.from(Uint8Array.of(1, 2, 3, 4, 5, 6));
    const state = create({ data: buffer.subarray(0, 3), endpoints: [buffer.subarray(3)] });
    buffer.fill(0xff);
    expect(state.view.data).toEqual(Uint8Array.of(1, 2, 3));
    expect(state.view.endpoints).toEqual([Uint8Array.of(4, 5, 6)]);
  });
});

describe("expire", () => {
  const state = merged(create({ data: sealedBytes(1), endpoints: [e1, e2], ttlMs: 3_000 }), {
    endpoints: [e2, e3],
    ttlMs: 9_000,
  }).next as AffiliateState;

  test("what is not due stays the same object", () => {
    expect(state.dueAt).toBe(13_000);
    expect(expire(state, 12_999.9)).toBe(state);
  });

  test("an endpoint goes at its expiry, and the rest stays", () => {
    const next = expire(state, 13_000);
    expect(next?.view).toMatchObject({ id: "a", data: sealedBytes(1), endpoints: [e2, e3] });
    expect(next).toMatchObject({ expiresAt: 19_000, endpointExpiries: [19_000, 19_000] });
    expect(next?.view.wire).toEqual(encodeAffiliateField("a", sealedBytes(1), [e2, e3]));
    expect(state.view.endpoints).toEqual([e1, e2, e3]);
  });

  test("an affiliate goes at its expiry with all endpoints, also those with a later one", () => {
    const short = merged(state, { data: sealedBytes(2), ttlMs: 500 }).next as AffiliateState;
    expect(short.dueAt).toBe(10_500);
    expect(expire(short, 10_499)).toBe(short);
    expect(expire(short, 10_500)).toBe(null);
  });
});

describe("times", () => {
  test("when it was first registered stays, the last update with data is noted with its TTL", () => {
    const state = create({ endpoints: [e1] });
    expect(state).toMatchObject({ registeredAt: NOW, updatedAt: undefined, ttlMs: undefined });
    const updated = merged(state, { data: sealedBytes(1), ttlMs: 1_000.5 }, 10_100).next;
    expect(updated).toMatchObject({ registeredAt: NOW, updatedAt: 10_100, ttlMs: 1_001 });
    const reported = merged(updated, { endpoints: [e1, e2], ttlMs: 9_000 }, 10_200).next;
    expect(reported).toMatchObject({ registeredAt: NOW, updatedAt: 10_100, ttlMs: 1_001 });
    expect(expire(reported as AffiliateState, 19_200)).toBe(null);
  });

  test("merging in place is merging, and writes over the state if only times change", () => {
    const update = fc.record({
      data: fc.option(fc.constantFrom(sealedBytes(1), sealedBytes(2)), { nil: undefined }),
      endpoints: fc.array(fc.constantFrom(e1, e2, e3), { maxLength: 4 }),
      ttlMs: fc.nat({ max: 2_000 }),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(update, fc.nat({ max: 1_000 }))), (updates) => {
        let [pure, inPlace]: [AffiliateState | null, AffiliateState | null] = [null, null];
        let now = NOW;
        for (const [changes, ms] of updates) {
          now += ms;
          const before: Uint8Array | undefined = pure?.packed.slice();
          const expected = merge(pure, request(changes), now, DEFAULT_REGISTRY_LIMITS);
          expect(pure?.packed).toEqual(before);
          const actual = mergeInPlace(inPlace, request(changes), now, DEFAULT_REGISTRY_LIMITS);
          expect(actual).toMatchObject({ write: expected.write, announce: expected.announce });
          expect(actual.next?.packed).toEqual(expected.next?.packed);
          expect(actual.next?.dueAt).toBe(expected.next?.dueAt);
          if (!actual.announce) expect(actual.next).toBe(inPlace);
          [pure, inPlace] = [expected.next, actual.next];
        }
      }),
    );
  });
});

describe("the packed form", () => {
  const state = merged(create({ data: sealedBytes(1), endpoints: [e1, e2], ttlMs: 3_000 }), {
    endpoints: [e3],
    ttlMs: 9_000,
  }).next as AffiliateState;

  test("is read back as it was", () => {
    const again = unpackAffiliate(Buffer.from(state.packed));
    expect(again.packed).toEqual(state.packed);
    expect(again.view).toMatchObject({ id: "a", data: sealedBytes(1), endpoints: [e1, e2, e3] });
    expect(again.times).toEqual(state.times);
    expect(again.dueAt).toBe(13_000);
    expect(merged(again, { data: sealedBytes(1), endpoints: [e1] }).announce).toBe(false);
    const bytes = fc.uint8Array({ maxLength: 300 });
    const id = fc.string({ unit: "grapheme" });
    fc.assert(
      fc.property(id, bytes, fc.array(bytes, { maxLength: 5 }), (text, data, endpoints) => {
        const expiries = endpoints.map((_, i) => i);
        const made = createAffiliateState(text, data, 5, endpoints, expiries, 0.5);
        const read = unpackAffiliate(made.packed);
        expect(read.view).toMatchObject({ id: text, data, endpoints });
        expect(read.times).toEqual(made.times);
      }),
    );
  });

  test("is refused when it is cut, longer, of another version or otherwise damaged", () => {
    const refused = expect.objectContaining({ code: "ERR_AFFILIATE_MALFORMED" });
    for (let length = 0; length < state.packed.length; length++) {
      expect(() => unpackAffiliate(state.packed.subarray(0, length))).toThrow(refused);
    }
    expect(() => unpackAffiliate(Uint8Array.from([...state.packed, 0]))).toThrow(refused);
    expect(() => unpackAffiliate(state.packed.with(0, 2))).toThrow("expected version 1, got 2");
    const infinite = state.packed.slice();
    new DataView(infinite.buffer).setFloat64(25, Number.POSITIVE_INFINITY, true);
    expect(() => unpackAffiliate(infinite)).toThrow("an expiry is not finite");
  });

  test("any bytes give a state of the same bytes or are refused", () => {
    const { length } = state.packed;
    const damage = fc.tuple(fc.nat({ max: length - 1 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (places) => {
        const damaged = state.packed.slice();
        for (const [place, value] of places) damaged[place] = value;
        try {
          expect(unpackAffiliate(damaged).packed).toEqual(damaged);
        } catch (error) {
          expect(error).toMatchObject({ code: "ERR_AFFILIATE_MALFORMED" });
        }
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(() => unpackAffiliate(bytes)).toThrow();
      }),
    );
  });
});

describe("the wire form", () => {
  test("is the encoded field, and its parts are what was given, at any size", () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(fc.string(), bytes, fc.array(bytes, { maxLength: 5 }), (id, data, endpoints) => {
        const view = createAffiliateView(id, data, endpoints);
        expect(view.wire).toEqual(encodeAffiliateField(id, data, endpoints));
        expect(view).toMatchObject({ id, data, endpoints });
      }),
    );
    const large = createAffiliateView("a", sealedBytes(1, 20_000), [sealedBytes(2, 128)]);
    expect(large.data).toEqual(sealedBytes(1, 20_000));
    expect(large.endpoints).toEqual([sealedBytes(2, 128)]);
  });

  test("is at hand for a registry's own views and encoded for others", () => {
    const view = createAffiliateView("a", sealedBytes(1), [e1]);
    expect(affiliateWire(view)).toEqual(view.wire);
    expect(affiliateWire(view).buffer).toBe(view.wire.buffer);
    const { id, data, endpoints } = view;
    expect(affiliateWire({ id, data, endpoints })).toEqual(view.wire);
  });
});
