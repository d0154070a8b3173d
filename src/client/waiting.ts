/**
 * Moved: `live/waiting.ts`.
 * @module
 */
export * from "../live/waiting.ts";
