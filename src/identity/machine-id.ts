/**
 * The machine ID that follows from a node's identity: what `/etc/machine-id` holds.
 * @module
 */
import { DiscoveryError } from "../errors.ts";
import { base62 } from "./base62.ts";

/** Size of a machine ID. It is shown as twice as many hexadecimal digits. */
const MACHINE_ID_BYTES = 16;

/**
 * @param nodeId - An identity in base62, of 16 bytes at least.
 * @returns Its first 16 bytes as 32 lower-case hexadecimal digits, without a newline.
 * @throws {DiscoveryError} `ERR_BASE62_INVALID`, or `ERR_NODE_ID_INVALID` for fewer than 16 bytes.
 * @example
 * machineId("sou7yy34ykX3n373Zw1DXKb8zD7UnyKT6HT3QDsGH6L"); // "be871ac0d0dd31fa4caca753b0f3f1b2"
 */
export function machineId(nodeId: string): string {
  const bytes = base62.decode(nodeId);
  if (bytes.length < MACHINE_ID_BYTES) {
    throw new DiscoveryError(
      "ERR_NODE_ID_INVALID",
      `node ID holds ${bytes.length} bytes, too few for a machine ID of ${MACHINE_ID_BYTES}`,
    );
  }
  let digits = "";
  for (let i = 0; i < MACHINE_ID_BYTES; i++) {
    digits += (bytes[i] ?? 0).toString(16).padStart(2, "0");
  }
  return digits;
}
