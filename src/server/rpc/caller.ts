/**
 * Who makes a call, as the procedures, the limits and the pages see it.
 * @module
 */
import type { RegistryClient } from "../../registry/registry.ts";

/** Who calls, and for how long. */
export interface Caller {
  /**
   * Aborts when the caller has disconnected or its deadline has passed; the reason is what to tell
   * it. May be created at the first read, which costs as much as a short call: read it only if
   * there is something to wait for.
   */
  readonly signal: AbortSignal;
  /** 4 or 16 bytes. May read headers. */
  clientIp(): Uint8Array | undefined;
  /** Whom clusters and affiliates count against; `undefined` if nobody knows. */
  client?(): RegistryClient | undefined;
  /** What is left of the caller's deadline; 0 or less after it, `undefined` if there is none. */
  timeoutMs(): number | undefined;
}
