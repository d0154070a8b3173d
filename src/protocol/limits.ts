/**
 * Every number of the protocol, once.
 * @see docs/protocol.md, "What the server does"
 * @module
 */

/** Longest cluster ID, in bytes of UTF-8. The shortest is 1. */
export const MAX_CLUSTER_ID_BYTES = 256;

/** Longest affiliate ID, in bytes of UTF-8. The shortest is 1. */
export const MAX_AFFILIATE_ID_BYTES = 256;

/** Largest sealed affiliate data, in bytes. */
export const MAX_AFFILIATE_DATA_BYTES = 2048;

/** Largest sealed endpoint: two AES blocks, which hold an IPv6 address and a port. */
export const MAX_ENDPOINT_BYTES = 32;

/** Most endpoints of one affiliate, from all reporters together. */
export const MAX_AFFILIATE_ENDPOINTS = 64;

/** Most affiliates of one cluster. */
export const MAX_CLUSTER_AFFILIATES = 1024;

/**
 * Longest time that a registry keeps an affiliate unrefreshed, in ms: 30 minutes. Also what nodes
 * use.
 */
export const MAX_TTL_MS = 1_800_000;

/**
 * A snapshot whose encoding is larger than this many bytes is sent as several messages, a smaller
 * one never.
 */
export const MAX_SNAPSHOT_MESSAGE_BYTES = 4_000_000;

/** Largest message that our own client accepts, in bytes: 16 MiB. */
export const MAX_CLIENT_MESSAGE_BYTES = 16_777_216;

/** Largest entry of a snapshot file, in bytes: one cluster. The reference refuses a larger one. */
export const MAX_SNAPSHOT_CLUSTER_BYTES = 137_912_579;
