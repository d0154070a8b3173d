/**
 * Encoding of one endpoint, `sidero.discovery.client.Endpoint`. It is canonical (fields in order,
 * defaults omitted): endpoints are sealed deterministically, and a service merges only those that
 * are equal byte by byte.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { DiscoveryError, isDiscoveryError } from "../errors.ts";
import { formatEndpoint, parseEndpoint } from "../net/endpoint.ts";
import { EndpointSchema } from "./gen/sidero/discovery/client/affiliate_pb.ts";

/**
 * Encodes an endpoint, ready to be sealed.
 *
 * @param text - `IP:port`, an IPv6 address in brackets.
 * @returns 6 to 26 bytes, more with a zone, in a buffer of their own.
 * @throws {DiscoveryError} `ERR_ENDPOINT_INVALID`.
 * @example
 * encodeEndpoint("[fd00::1]:51820");
 */
export function encodeEndpoint(text: string): Uint8Array<ArrayBuffer> {
  return toBinary(EndpointSchema, create(EndpointSchema, parseEndpoint(text)));
}

/**
 * Decodes an endpoint that was opened. Unknown fields are passed over.
 *
 * @returns Canonical `IP:port`.
 * @throws {DiscoveryError} `ERR_ENDPOINT_INVALID` for bytes that are no such message, an address of
 *   another size, or a port over 65,535.
 */
export function decodeEndpoint(bytes: Uint8Array): string {
  try {
    return formatEndpoint(fromBinary(EndpointSchema, bytes, { readUnknownFields: false }));
  } catch (cause) {
    const why = isDiscoveryError(cause) ? `: ${cause.message}` : "";
    throw new DiscoveryError("ERR_ENDPOINT_INVALID", `endpoint does not decode${why}`, { cause });
  }
}
