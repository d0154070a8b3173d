/**
 * An affiliate together with its bytes on the wire, which are built once and shared by every
 * message that carries it.
 * @module
 */
import { encodeAffiliateField } from "../protocol/sealed.ts";
import { PackedView, packAffiliate, type WiredAffiliateView } from "./packed-affiliate.ts";
import type { AffiliateView } from "./registry.ts";

const NO_TIMES = /* @__PURE__ */ Object.freeze({
  registeredAt: Number.NaN,
  updatedAt: Number.NaN,
  ttlMs: 0,
  expiresAt: 0,
});

/**
 * Encodes an affiliate once, and makes its view out of the encoded bytes.
 *
 * @param data - Copied. So are `endpoints`.
 */
export function createAffiliateView(
  id: string,
  data: Uint8Array,
  endpoints: readonly Uint8Array[],
): WiredAffiliateView {
  const none = new Array<number>(endpoints.length).fill(0);
  const times = { ...NO_TIMES, endpointExpiries: none, ownMs: none };
  return packAffiliate(id, data, endpoints, times).view;
}

/**
 * The wire form of any registry's affiliate: at hand where the registry keeps it, else encoded now.
 *
 * @returns Not to be changed, and not to be kept: it holds the affiliate's whole buffer.
 */
export function affiliateWire(view: AffiliateView): Uint8Array {
  if ("wire" in view) return (view as WiredAffiliateView).wire;
  return encodeAffiliateField(view.id, view.data, view.endpoints);
}

/** Size of {@link affiliateWire}. */
export function affiliateWireBytes(view: AffiliateView): number {
  if ("wireBytes" in view) return (view as WiredAffiliateView).wireBytes;
  return affiliateWire(view).length;
}

/** How many endpoints an affiliate has; where the registry knows it, none of them is unpacked. */
export function endpointCount(view: AffiliateView): number {
  return view instanceof PackedView ? view.endpointCount : view.endpoints.length;
}
