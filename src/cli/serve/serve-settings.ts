/**
 * What the flags of `serve` mean: checked values, from text.
 * @module
 */
import { parseRedirectEndpoint, parseServiceUrl } from "../../client/service-url.ts";
import type { ConnectionLimits, ListenAddress, TlsFiles } from "../../node/index.ts";
import { parseTrustedProxies } from "../../server/limits/client-address.ts";
import type { RateLimit } from "../../server/limits/rate-limit.ts";
import { UsageError } from "../exit.ts";
import {
  choiceOf,
  integerFrom,
  parseDelay,
  parseListenAddress,
  parseOptionalListenAddress,
  parseTimeout,
} from "../flags/flag-values.ts";
import type { Flags } from "../flags/flags.ts";
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from "./log.ts";

/** Where and how the state is kept over restarts. */
export interface SnapshotSettings {
  readonly path: string;
  readonly intervalMs: number;
  /** `Infinity`: on the interval only. */
  readonly changeDelayMs: number;
  readonly graceMs: number;
}

/** A port of pages. */
export interface PagesSettings extends ListenAddress {
  /** Whether nobody asked for this address: then the service starts without it where something else has the port. */
  readonly isDefault: boolean;
}

/** All settings of `serve`. */
export interface ServeSettings {
  readonly listen: ListenAddress;
  /** Absent: nowhere. */
  readonly landing: PagesSettings | undefined;
  /** Absent: nowhere, and nothing is counted. */
  readonly metrics: PagesSettings | undefined;
  readonly redirectEndpoint: string | undefined;
  readonly shutdownTimeoutMs: number;
  readonly tls: TlsFiles | undefined;
  /** Absent: nothing is kept. */
  readonly snapshot: SnapshotSettings | undefined;
  /** A file with the IDs of the clusters that are served; absent for all. */
  readonly allowListPath: string | undefined;
  readonly trustedProxies: readonly string[];
  readonly trustXRealIp: boolean;
  readonly trustXForwardedFor: boolean;
  readonly reportClientIp: boolean;
  readonly rateLimit: RateLimit | false;
  readonly limits: { readonly maxClusters: number; readonly maxAffiliates: number };
  readonly ceilings: { readonly maxWatches: number; readonly maxWatchesPerClient: number };
  readonly maxRequestBytes: number;
  readonly connections: Required<ConnectionLimits>;
  /** How long a TLS handshake may take. */
  readonly connectTimeoutMs: number;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
  readonly logClusterIds: boolean;
}

/** No state is larger, and no count of connections. */
const MAX_COUNT = 1_000_000_000;

/**
 * Reads the flags, without looking at files that they name.
 *
 * @throws {UsageError} For the first value that is wrong, naming where it stands.
 */
export function readServeSettings(flags: Flags): ServeSettings {
  const count = (name: string) => flags.requiredParsed(name, integerFrom(1, MAX_COUNT));
  return {
    listen: flags.requiredParsed("addr", parseListenAddress),
    landing: readPagesSettings(flags, "landing-addr"),
    metrics: readPagesSettings(flags, "metrics-addr"),
    redirectEndpoint: flags.parsed("redirect-endpoint", checkRedirectEndpoint),
    shutdownTimeoutMs: flags.requiredParsed("shutdown-timeout", parseTimeout),
    tls: readTlsFiles(flags),
    snapshot: readSnapshotSettings(flags),
    allowListPath: flags.text("cluster-allow-list"),
    trustedProxies: flags.parsedList("trusted-proxies", checkTrustedProxy),
    trustXRealIp: flags.isOn("trust-x-real-ip"),
    trustXForwardedFor: flags.isOn("trust-first-x-forwarded-for"),
    reportClientIp: flags.isOn("report-client-ip"),
    rateLimit: readRateLimit(flags),
    limits: { maxClusters: count("max-clusters"), maxAffiliates: count("max-affiliates") },
    ceilings: {
      maxWatches: count("max-watches"),
      maxWatchesPerClient: count("max-watches-per-client"),
    },
    maxRequestBytes: count("max-request-bytes"),
    connections: {
      maxConnections: count("max-connections"),
      maxStreamsPerConnection: count("max-streams-per-connection"),
      maxHeaderBytes: count("max-header-bytes"),
      firstByteTimeoutMs: flags.requiredParsed("first-byte-timeout", parseTimeout),
      idleTimeoutMs: flags.requiredParsed("idle-timeout", parseTimeout),
    },
    connectTimeoutMs: flags.requiredParsed("first-byte-timeout", parseTimeout),
    logFormat: flags.requiredParsed("log-format", choiceOf(LOG_FORMATS)),
    logLevel: readLogLevel(flags),
    logClusterIds: flags.isOn("log-cluster-ids"),
  };
}

function readPagesSettings(flags: Flags, name: string): PagesSettings | undefined {
  const address = flags.parsed(name, parseOptionalListenAddress);
  return address && { ...address, isDefault: flags.source(name) === "default" };
}

function checkRedirectEndpoint(text: string): string {
  parseRedirectEndpoint(text, parseServiceUrl("https://localhost/"));
  return text;
}

function checkTrustedProxy(text: string): string {
  parseTrustedProxies([text]);
  return text;
}

function readTlsFiles(flags: Flags): TlsFiles | undefined {
  const certificatePath = flags.text("certificate-path");
  const keyPath = flags.text("key-path");
  const clientCaPath = flags.text("client-ca-path");
  if (certificatePath !== undefined && keyPath !== undefined) {
    return { certificatePath, keyPath, clientCaPath };
  }
  if (certificatePath !== undefined || keyPath !== undefined) {
    throw new UsageError("--certificate-path and --key-path: one is missing");
  }
  if (clientCaPath !== undefined) {
    throw new UsageError("--client-ca-path: only with --certificate-path and --key-path");
  }
  return undefined;
}

/** All of them are read, also where snapshots are off: a value is wrong or not, whatever another one says. */
function readSnapshotSettings(flags: Flags): SnapshotSettings | undefined {
  const isEnabled = flags.isOn("snapshots-enabled");
  const path = flags.requiredText("snapshot-path");
  const intervalMs = flags.requiredParsed("snapshot-interval", parseTimeout);
  const changeDelayMs = flags.requiredParsed("snapshot-change-delay", parseDelay);
  const graceMs = flags.requiredParsed("restart-grace", parseDelay);
  if (!isEnabled) return undefined;
  return {
    path,
    intervalMs,
    changeDelayMs: changeDelayMs === 0 ? Number.POSITIVE_INFINITY : changeDelayMs,
    graceMs,
  };
}

/** The reference has `debug` alone; whoever sets it wants to see everything. */
function readLogLevel(flags: Flags): LogLevel {
  const level = flags.requiredParsed("log-level", choiceOf(LOG_LEVELS));
  return flags.isOn("debug") ? "debug" : level;
}

function readRateLimit(flags: Flags): RateLimit | false {
  const perSecond = flags.requiredParsed("rate-limit", integerFrom(0, MAX_COUNT));
  const burst = flags.requiredParsed("rate-burst", integerFrom(1, MAX_COUNT));
  return perSecond === 0 ? false : { perSecond, burst };
}
