/**
 * What a `DiscoveryClient` is made from.
 * @module
 */

import { type Sleep, sleep } from "../async/timers.ts";
import { checkInteger } from "../check.ts";
import { type ClusterCipher, createClusterCipher } from "../crypto/cluster-cipher.ts";
import type { DiscoveryError } from "../errors.ts";
import { MAX_AFFILIATE_ID_BYTES, MAX_CLUSTER_ID_BYTES, MAX_TTL_MS } from "../protocol/limits.ts";
import type { DropReport } from "./affiliate-change.ts";
import type { TransportFactory } from "./connection.ts";
import { parseServiceUrl, type ServiceUrl } from "./service-url.ts";

const MIN_PING_INTERVAL_MS = 10_000;

/** Keepalive pings per TTL. */
const PINGS_PER_TTL = 10;

/**
 * Takes a line of log. Fields hold no secrets, but texts that others have chosen. Must not throw.
 */
export type ClientLog = (
  level: "debug" | "info" | "warn",
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

export interface DiscoveryClientOptions {
  /** `https://host[:443]/`, `grpc://host[:443]` (TLS) or `http://host[:80]`. */
  readonly service: string;
  /**
   * Makes the transport of each connection: `grpcTransport`, `grpcWebTransport`, `connectTransport`
   * or a function around them. The client closes what it was given, where that has a `close`.
   */
  readonly transport: TransportFactory;
  /** 1 to 256 bytes of UTF-8; any text, only compared. */
  readonly clusterId: string;
  /** Standard base64 of 32 bytes, or the bytes. */
  readonly clusterSecret: string | Uint8Array;
  /** Our identity, base62; 1 to 256 bytes. */
  readonly nodeId: string;
  /**
   * How long a service keeps us unrefreshed, in ms, above 0 and at most 30 minutes.
   * @default 1_800_000
   */
  readonly ttlMs?: number | undefined;
  /** Told to the service, which counts versions: `v1.2.3`. @default "" */
  readonly clientVersion?: string | undefined;
  /** @default nothing is logged */
  readonly log?: ClientLog | undefined;
  /** Told of bad data from others, which was left out. Must not throw. */
  readonly onDrop?: ((report: DropReport) => void) | undefined;
  /** Told of each failure, and when the next attempt begins. Must not throw. */
  readonly onRetry?: ((error: DiscoveryError, delayMs: number) => void) | undefined;
  /** Milliseconds that never go back. @default performance.now */
  readonly now?: (() => number) | undefined;
  /** From [0, 1), for the jitter of waits. @default Math.random */
  readonly random?: (() => number) | undefined;
  /** @default a timer of the runtime */
  readonly sleep?: Sleep | undefined;
}

/** Complete and checked. */
export interface ResolvedClientOptions {
  readonly service: ServiceUrl;
  readonly transport: TransportFactory;
  readonly clusterId: string;
  readonly cipher: ClusterCipher;
  readonly nodeId: string;
  readonly ttlMs: number;
  readonly pingIntervalMs: number;
  readonly clientVersion: string;
  readonly log: ClientLog;
  readonly onDrop: (report: DropReport) => void;
  readonly onRetry: (error: DiscoveryError, delayMs: number) => void;
  readonly now: () => number;
  readonly random: () => number;
  readonly sleep: Sleep;
}

/**
 * @throws {RangeError} for an ID or a TTL out of its range. {@link DiscoveryError}
 *   `ERR_SERVICE_URL_INVALID`, `ERR_SECRET_INVALID`.
 */
export function resolveClientOptions(options: DiscoveryClientOptions): ResolvedClientOptions {
  const ttlMs = checkInteger("ttlMs", options.ttlMs ?? MAX_TTL_MS, 1, MAX_TTL_MS);
  checkIdBytes("clusterId", options.clusterId, MAX_CLUSTER_ID_BYTES);
  checkIdBytes("nodeId", options.nodeId, MAX_AFFILIATE_ID_BYTES);
  return {
    service: parseServiceUrl(options.service),
    transport: options.transport,
    clusterId: options.clusterId,
    cipher: createClusterCipher(options.clusterSecret),
    nodeId: options.nodeId,
    ttlMs,
    pingIntervalMs: Math.max(MIN_PING_INTERVAL_MS, Math.round(ttlMs / PINGS_PER_TTL)),
    clientVersion: options.clientVersion ?? "",
    log: guarded(options.log),
    onDrop: guarded(options.onDrop),
    onRetry: guarded(options.onRetry),
    now: options.now ?? (() => performance.now()),
    random: options.random ?? Math.random,
    sleep: options.sleep ?? sleep,
  };
}

function checkIdBytes(name: string, id: string, maxBytes: number): void {
  const bytes = new TextEncoder().encode(id).length;
  if (bytes < 1 || bytes > maxBytes) {
    throw new RangeError(`${name} must have 1 to ${maxBytes} bytes, got ${bytes}`);
  }
}

/** An observer's mistake must not end the loop that it observes. */
function guarded<A extends unknown[]>(
  observe: ((...of: A) => void) | undefined,
): (...of: A) => void {
  return (...of) => {
    try {
      observe?.(...of);
    } catch {
      // There is nobody to tell: it may be the log itself.
    }
  };
}
