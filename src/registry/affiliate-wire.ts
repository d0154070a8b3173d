/**
 * An affiliate together with its bytes on the wire, which are built once and shared by every
 * message that carries it.
 * @module
 */
import { encodeAffiliateField } from "../protocol/sealed.ts";
import type { AffiliateView } from "./registry.ts";

/**
 * An affiliate whose entry of field 1 in `ListResponse` and `WatchResponse` stands ready.
 * Immutable.
 */
export interface WiredAffiliateView extends AffiliateView {
  /** Tag, length and message. `data` and `endpoints` are parts of this buffer. */
  readonly wire: Uint8Array;
}

/**
 * Encodes an affiliate once, and makes its view out of the encoded bytes: what is given is copied
 * by that, and nothing is kept twice.
 *
 * @param data - Not kept. Neither are `endpoints`.
 */
export function createAffiliateView(
  id: string,
  data: Uint8Array,
  endpoints: readonly Uint8Array[],
): WiredAffiliateView {
  const wire = encodeAffiliateField(id, data, endpoints);
  const parts = new Array<Uint8Array>(endpoints.length);
  // Backwards from the end, since nothing follows the last endpoint: a payload, and before it its
  // tag and length.
  let end = wire.length;
  for (let i = endpoints.length - 1; i >= 0; i--) {
    const length = (endpoints[i] as Uint8Array).length;
    parts[i] = wire.subarray(end - length, end);
    end -= length + headBytes(length);
  }
  return { id, data: wire.subarray(end - data.length, end), endpoints: parts, wire };
}

/**
 * The wire form of any registry's affiliate: at hand where the registry keeps it, else encoded now.
 *
 * @returns Not to be changed.
 */
export function affiliateWire(view: AffiliateView): Uint8Array {
  if ("wire" in view) return (view as WiredAffiliateView).wire;
  return encodeAffiliateField(view.id, view.data, view.endpoints);
}

/** Bytes of a field's tag (its number is under 16) and length. */
function headBytes(length: number): number {
  let bytes = 2;
  for (let rest = length; rest > 0x7f; rest >>>= 7) bytes++;
  return bytes;
}
