import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeAffiliateField } from "../../../src/protocol/sealed.ts";
import { type AffiliateState, expire, merge } from "../../../src/registry/affiliate-state.ts";
import { affiliateWire, createAffiliateView } from "../../../src/registry/affiliate-wire.ts";
import { DEFAULT_REGISTRY_LIMITS } from "../../../src/registry/limits.ts";
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
    const before = structuredClone(state);
    expect(() =>
      merged(state, { data: sealedBytes(2), endpoints: sealedEndpoints(2, 63) }),
    ).toThrow(
      expect.objectContaining({
        code: "ERR_TOO_MANY_ENDPOINTS",
        message: "too many endpoints in the affiliate",
      }),
    );
    expect(state).toEqual(before);
    expect(merged(full as AffiliateState, { endpoints: sealedEndpoints(64) }).announce).toBe(false);
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
    expect(affiliateWire(view)).toBe(view.wire);
    const { id, data, endpoints } = view;
    expect(affiliateWire({ id, data, endpoints })).toEqual(view.wire);
  });
});
