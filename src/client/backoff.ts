/**
 * Moved: `live/backoff.ts`.
 * @module
 */
export * from "../live/backoff.ts";
