/**
 * Node identities: base62, node ID, machine ID.
 * @module
 */
export { type Base62, base62 } from "./base62.ts";
export { machineId } from "./machine-id.ts";
export { generateNodeId, NODE_ID_BYTES, parseNodeId, type RandomSource } from "./node-id.ts";
