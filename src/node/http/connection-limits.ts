/**
 * What connections may cost before and between calls.
 * @module
 */
import { readFileSync } from "node:fs";
import { checkInteger } from "../../check.ts";

/** Bounds of one port. All are positive integers, and `sharePercent` may be 0. */
export interface ConnectionLimits {
  /**
   * Open connections; a further one is closed at once. Fewer where the process may not open so many
   * files: some of those are kept for other needs. @default 20_000
   */
  readonly maxConnections?: number | undefined;
  /**
   * Calls and watches at a time on one HTTP/2 connection, which clients are told and keep to; a
   * further one is reset, with `REFUSED_STREAM` or `ENHANCE_YOUR_CALM`. Proxies carry those of many
   * nodes, and open further connections beyond it.
   * @default 1000
   */
  readonly maxStreamsPerConnection?: number | undefined;
  /**
   * Names and values of a request's headers together: over HTTP/2, which clients are told, with 32
   * bytes for each, and answered by a reset with `ENHANCE_YOUR_CALM`; over HTTP/1.1 with status
   * 431. @default 16_384
   */
  readonly maxHeaderBytes?: number | undefined;
  /**
   * How long a connection may take to say its first byte, and HTTP/2's greeting or the headers of
   * HTTP/1.1.
   * @default `connectTimeoutMs`
   */
  readonly firstByteTimeoutMs?: number | undefined;
  /**
   * How long a connection may stay without a call. Pings do not count, a watch does: a connection
   * that carries one is never idle. HTTP/2 clients are told in good order, and lose nothing.
   * HTTP/1.1 keeps 65 seconds where this is more.
   * @default 300_000
   */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * How long bytes may wait while the reader takes none: an answer is then ended, and a connection
   * on which nothing else goes on is closed. Progress is any byte taken. @default 60_000
   */
  readonly writeTimeoutMs?: number | undefined;
  /**
   * After how long a silence an HTTP/2 connection gets a PING: watches may be silent for days.
   * @default 60_000
   */
  readonly pingIntervalMs?: number | undefined;
  /** How long the answer to a PING may take before the connection is closed. @default 20_000 */
  readonly pingTimeoutMs?: number | undefined;
  /**
   * How many connections one client may hold, in percent of those that are still free: with 100 it
   * gets half of them at most. A client is an IPv4 address, or an IPv6 network of 64 bits; one of
   * 48 bits may hold as many. 0 is no limit. Trusted proxies have none. @default 100
   */
  readonly sharePercent?: number | undefined;
  /**
   * Requests at a time on one HTTP/2 connection that are compressed calls, health, reflection or
   * pages; a further one is reset with `ENHANCE_YOUR_CALM`. @default 100
   */
  readonly maxConnectStreamsPerConnection?: number | undefined;
}

/** {@link ConnectionLimits} in force. */
export type ResolvedConnectionLimits = {
  readonly [name in keyof ConnectionLimits]-?: NonNullable<ConnectionLimits[name]>;
};

/** {@link ConnectionLimits.maxConnections} */
export const DEFAULT_MAX_CONNECTIONS = 20_000;
/** {@link ConnectionLimits.maxStreamsPerConnection} */
export const DEFAULT_MAX_STREAMS_PER_CONNECTION = 1000;
/** {@link ConnectionLimits.maxHeaderBytes}, as Node has it for HTTP/1.1. */
export const DEFAULT_MAX_HEADER_BYTES = 16_384;
/** {@link ConnectionLimits.idleTimeoutMs} */
export const DEFAULT_IDLE_TIMEOUT_MS = 300_000;
/** {@link ConnectionLimits.writeTimeoutMs} */
export const DEFAULT_WRITE_TIMEOUT_MS = 60_000;
/** {@link ConnectionLimits.pingIntervalMs} */
export const DEFAULT_PING_INTERVAL_MS = 60_000;
/** {@link ConnectionLimits.pingTimeoutMs} */
export const DEFAULT_PING_TIMEOUT_MS = 20_000;
/** {@link ConnectionLimits.sharePercent} */
export const DEFAULT_CONNECTIONS_SHARE_PERCENT = 100;
/** {@link ConnectionLimits.maxConnectStreamsPerConnection} */
export const DEFAULT_MAX_CONNECT_STREAMS_PER_CONNECTION = 100;

/**
 * For the ports of pages (256 connections each), the snapshot, certificates, and what the runtime
 * opens.
 */
const FILES_FOR_OTHERS = 600;

/**
 * Most bytes of one write to a connection. What is written but not yet taken by the reader counts
 * against the memory of its connection, on which many may wait behind one proxy, each for a
 * snapshot of megabytes.
 */
export const MAX_WRITE_BYTES = 32_768;

/**
 * A peer that vanished without a word is noticed by the kernel, which asks after this much silence.
 */
export const TCP_KEEPALIVE_MS = 30_000;

/** Where timers and HTTP/2's settings end. */
const MAX_VALUE = 2 ** 31 - 1;

/**
 * Fills in the defaults.
 *
 * @param connectTimeoutMs - Default of `firstByteTimeoutMs`.
 * @param openFiles - How many the process may have; half of a number that is small, else all but a
 *   few hundred, may be connections.
 * @throws {RangeError} Where one is not a positive integer.
 */
export function resolveConnectionLimits(
  limits: ConnectionLimits,
  connectTimeoutMs: number,
  openFiles: number = Number.POSITIVE_INFINITY,
): ResolvedConnectionLimits {
  return {
    maxConnections: Math.min(
      positive("maxConnections", limits.maxConnections ?? DEFAULT_MAX_CONNECTIONS),
      Math.max(openFiles - FILES_FOR_OTHERS, Math.ceil(openFiles / 2)),
    ),
    maxStreamsPerConnection: positive(
      "maxStreamsPerConnection",
      limits.maxStreamsPerConnection ?? DEFAULT_MAX_STREAMS_PER_CONNECTION,
    ),
    maxHeaderBytes: positive("maxHeaderBytes", limits.maxHeaderBytes ?? DEFAULT_MAX_HEADER_BYTES),
    firstByteTimeoutMs: positive(
      "firstByteTimeoutMs",
      limits.firstByteTimeoutMs ?? connectTimeoutMs,
    ),
    idleTimeoutMs: positive("idleTimeoutMs", limits.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS),
    writeTimeoutMs: positive("writeTimeoutMs", limits.writeTimeoutMs ?? DEFAULT_WRITE_TIMEOUT_MS),
    pingIntervalMs: positive("pingIntervalMs", limits.pingIntervalMs ?? DEFAULT_PING_INTERVAL_MS),
    pingTimeoutMs: positive("pingTimeoutMs", limits.pingTimeoutMs ?? DEFAULT_PING_TIMEOUT_MS),
    sharePercent: checkInteger(
      "connections.sharePercent",
      limits.sharePercent ?? DEFAULT_CONNECTIONS_SHARE_PERCENT,
      0,
      MAX_VALUE,
    ),
    maxConnectStreamsPerConnection: positive(
      "maxConnectStreamsPerConnection",
      limits.maxConnectStreamsPerConnection ?? DEFAULT_MAX_CONNECT_STREAMS_PER_CONNECTION,
    ),
  };
}

/**
 * How many files this process may have open: each connection is one.
 *
 * At that limit Node closes new connections without an error, no snapshot can be written and no
 * certificate read again. So the service stays below it, and refuses connections itself.
 *
 * @returns `undefined` if the system does not say (other than Linux), or has no limit.
 */
export function openFileLimit(): number | undefined {
  try {
    return parseOpenFileLimit(readFileSync("/proc/self/limits", "latin1"));
  } catch {
    return undefined;
  }
}

/**
 * Reads Linux's `/proc/self/limits`. The soft limit counts, which Node raises to the hard limit
 * when it starts.
 */
export function parseOpenFileLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+)\s/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

function positive(name: keyof ConnectionLimits, value: number): number {
  return checkInteger(`connections.${name}`, value, 1, MAX_VALUE);
}
