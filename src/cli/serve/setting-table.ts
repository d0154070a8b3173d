/**
 * The settings of `serve`: one row each. What follows from a row alone is its flag with help and
 * default, the variable, the configuration key, the check, and the option that takes the value.
 * Flags that the reference service has too keep its names.
 * @module
 */
import { parseRedirectEndpoint, parseServiceUrl } from "../../client/service-url.ts";
import {
  DEFAULT_CONNECTIONS_SHARE_PERCENT,
  DEFAULT_MAX_CONNECT_STREAMS_PER_CONNECTION,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_HEADER_BYTES,
  DEFAULT_MAX_STREAMS_PER_CONNECTION,
} from "../../node/http/connection-limits.ts";
import {
  DEFAULT_UNSENT_PER_CLIENT,
  DEFAULT_UNSENT_PER_CONNECTION,
} from "../../node/http/unsent-bytes.ts";
import { DEFAULT_SNAPSHOT_PATH } from "../../node/index.ts";
import { MIN_MAX_MEMORY } from "../../node/memory-limit.ts";
import { DEFAULT_MAX_AFFILIATES, DEFAULT_MAX_CLUSTERS } from "../../registry/limits.ts";
import { parseCorsOrigin } from "../../server/cors.ts";
import { DEFAULT_BYTE_RATE } from "../../server/limits/byte-rate.ts";
import { parseTrustedProxies } from "../../server/limits/client-address.ts";
import { DEFAULT_PROBE_RATE_LIMIT } from "../../server/limits/probe-limit.ts";
import { DEFAULT_RATE_LIMIT } from "../../server/limits/rate-limit.ts";
import {
  DEFAULT_MAX_WATCHES,
  DEFAULT_MAX_WATCHES_PER_CLIENT,
  DEFAULT_WATCHES_SHARE_PERCENT,
} from "../../server/limits/watch-ceiling.ts";
import { MAX_REQUEST_BYTES } from "../../server/rpc/request-body.ts";
import {
  choiceOf,
  formatSize,
  integerFrom,
  parseDelay,
  parseListenAddress,
  parseOptionalListenAddress,
  parseTimeout,
  sizeFrom,
} from "../flags/flag-values.ts";
import type { FlagOption, Flags } from "../flags/flags.ts";
import { LOG_FORMATS, LOG_LEVELS } from "./log.ts";
import { type Setting, type SettingTable, type SettingValues, settingGroup } from "./setting.ts";

const listening = settingGroup("Listening:");
const tls = settingGroup("TLS (files are read again when they change):");
const state = settingGroup("State:");
const clients = settingGroup("Clients:");
const memory = settingGroup("Memory (sizes: bytes, or with a unit, such as 256Mi or 500MB):");
const rates = settingGroup("Rates of one client (an IPv4 address or an IPv6 /64; 0 is no limit):");
const counts = settingGroup("Counts:");
const shares = settingGroup(
  "Shares (most that one client may hold, in percent of what is free; 0 is off):",
);
const timeouts = settingGroup("Timeouts:");
const logs = settingGroup("Logs:");

/** No state is larger, and no number of connections. */
const MAX_COUNT = 1_000_000_000;

/** No machine has more memory. */
const MAX_SIZE = 2 ** 40;

/** No request is larger. */
const MAX_REQUEST_SIZE = 2 ** 30;

/** At 10,000 percent one client may hold 99 % of all. */
const MAX_SHARE_PERCENT = 10_000;

/** Of a registry's clusters and affiliates. */
const DEFAULT_REGISTRY_SHARE_PERCENT = 100;

const parseCount = integerFrom(1, MAX_COUNT);
const parseRate = integerFrom(0, MAX_COUNT);
const parseShare = integerFrom(0, MAX_SHARE_PERCENT);
const parseSize = sizeFrom(1, MAX_SIZE);
const parseAnyText = (text: string): string => text;

/** The table. */
export const SETTINGS: SettingTable = {
  "rules.addr": listening.text(
    "--addr <host:port>",
    "listen address; :PORT is all addresses",
    ":3000",
    parseListenAddress,
  ),
  "rules.landingAddr": listening.optionalText(
    "--landing-addr <host:port>",
    'listen address for status and health pages (plaintext); "off" disables',
    parseOptionalListenAddress,
    ":3001",
  ),
  "rules.metricsAddr": listening.optionalText(
    "--metrics-addr <host:port>",
    'listen address for Prometheus metrics (plaintext); "off" disables',
    parseOptionalListenAddress,
    ":2122",
  ),
  "serve.redirectEndpoint": listening.optionalText(
    "--redirect-endpoint <host:port>",
    "send clients to another service",
    checkRedirectEndpoint,
  ),
  "rules.shutdownTimeoutMs": listening.text(
    "--shutdown-timeout <duration>",
    "time for calls to finish after a signal, and then for the last save",
    "10s",
    parseTimeout,
  ),

  "rules.certificatePath": tls.optionalText(
    "--certificate-path <file>",
    "PEM certificate chain",
    parseAnyText,
  ),
  "rules.keyPath": tls.optionalText(
    "--key-path <file>",
    "PEM key of the certificate",
    parseAnyText,
  ),
  "rules.clientCaPath": tls.optionalText(
    "--client-ca-path <file>",
    "require client certificates signed by this CA (Talos nodes have none)",
    parseAnyText,
  ),

  "rules.snapshotsEnabled": state.switch(
    "--snapshots-enabled",
    "keep the state in a file across restarts",
    true,
  ),
  "snapshot.path": state.text(
    "--snapshot-path <file>",
    "snapshot file, in the format of the Go service",
    DEFAULT_SNAPSHOT_PATH,
    parseAnyText,
  ),
  "snapshot.intervalMs": state.text(
    "--snapshot-interval <duration>",
    "longest time between two saves",
    "10m",
    parseTimeout,
  ),
  "snapshot.changeDelayMs": state.text(
    "--snapshot-change-delay <duration>",
    "delay between a change and the save; 0 saves on the interval only",
    "2s",
    parseChangeDelay,
  ),
  "snapshot.restartGraceMs": state.text(
    "--restart-grace <duration>",
    "minimum lifetime of restored entries after a restart",
    "5m",
    parseDelay,
  ),

  "rules.clusterAllowList": clients.optionalText(
    "--cluster-allow-list <file>",
    "serve only the cluster IDs in this file, one a line; read again when it changes",
    parseAnyText,
  ),
  "serve.trustedProxies": clients.list(
    "--trusted-proxies <cidr>",
    "trust X-Real-IP and X-Forwarded-For from these proxies only",
    checkTrustedProxy,
  ),
  "serve.trustXRealIp": clients.switch(
    "--trust-x-real-ip",
    "trust X-Real-IP from trusted proxies",
    true,
  ),
  "serve.trustFirstXForwardedFor": clients.switch(
    "--trust-first-x-forwarded-for",
    "trust the first entry of X-Forwarded-For from trusted proxies",
    true,
  ),
  "serve.reportClientIp": clients.switch(
    "--report-client-ip",
    "report callers their IP, which KubeSpan uses",
    true,
  ),
  "serve.corsOrigins": clients.list(
    "--cors-origin <origin>",
    "allow web pages of this origin, such as https://example.org; * allows all",
    (text) => parseCorsOrigin(text),
  ),

  "rules.maxMemory": memory.optionalSize(
    "--max-memory <size>",
    "memory for state, caches, connections and unsent answers",
    sizeFrom(MIN_MAX_MEMORY, MAX_SIZE),
  ),
  "rules.maxUnsentBytes": memory.optionalSize(
    "--max-unsent-bytes <size>",
    "unsent answers of all clients; an eighth of --max-memory unless set",
    parseSize,
  ),
  "rules.maxUnsentBytesPerClient": memory.size(
    "--max-unsent-bytes-per-client <size>",
    "unsent answers of one client",
    formatSize(DEFAULT_UNSENT_PER_CLIENT),
    parseSize,
  ),
  "rules.maxUnsentBytesPerConnection": memory.size(
    "--max-unsent-bytes-per-connection <size>",
    "unsent answers of one connection",
    formatSize(DEFAULT_UNSENT_PER_CONNECTION),
    parseSize,
  ),
  "connections.maxHeaderBytes": memory.size(
    "--max-header-bytes <size>",
    "headers of one request",
    formatSize(DEFAULT_MAX_HEADER_BYTES),
    sizeFrom(1, MAX_REQUEST_SIZE),
  ),
  "serve.maxRequestBytes": memory.size(
    "--max-request-bytes <size>",
    "one request message; the protocol's largest is under 7 kB",
    formatSize(MAX_REQUEST_BYTES),
    sizeFrom(1, MAX_REQUEST_SIZE),
  ),

  "rules.rateLimit": rates.number(
    "--rate-limit <calls>",
    "calls per second",
    DEFAULT_RATE_LIMIT.perSecond,
    parseRate,
  ),
  "rules.rateBurst": rates.number(
    "--rate-burst <calls>",
    "calls at once after a pause",
    DEFAULT_RATE_LIMIT.burst,
    parseCount,
  ),
  "rules.probeRateLimit": rates.number(
    "--probe-rate-limit <requests>",
    "health checks, reflection, pages and unknown methods per second",
    DEFAULT_PROBE_RATE_LIMIT.perSecond,
    parseRate,
  ),
  "rules.probeRateBurst": rates.number(
    "--probe-rate-burst <requests>",
    "such requests at once after a pause",
    DEFAULT_PROBE_RATE_LIMIT.burst,
    parseCount,
  ),
  "rules.clientBytesPerSecond": rates.size(
    "--client-bytes-per-second <size>",
    "speed at which lists and snapshots are sent",
    formatSize(DEFAULT_BYTE_RATE.perSecond),
    sizeFrom(0, MAX_SIZE),
  ),
  "rules.clientBytesBurst": rates.size(
    "--client-bytes-burst <size>",
    "bytes of lists and snapshots at once after a pause",
    formatSize(DEFAULT_BYTE_RATE.burst),
    parseSize,
  ),
  "rules.clientUploadBytesPerSecond": rates.optionalSize(
    "--client-upload-bytes-per-second <size>",
    "bytes that it sends; three times --rate-limit calls of the largest size unless set",
    sizeFrom(0, MAX_SIZE),
  ),

  "limits.maxClusters": counts.number(
    "--max-clusters <count>",
    "clusters",
    DEFAULT_MAX_CLUSTERS,
    parseCount,
  ),
  "limits.maxAffiliates": counts.number(
    "--max-affiliates <count>",
    "affiliates of all clusters",
    DEFAULT_MAX_AFFILIATES,
    parseCount,
  ),
  "ceilings.maxWatches": counts.number(
    "--max-watches <count>",
    "watches of all clients",
    DEFAULT_MAX_WATCHES,
    parseCount,
  ),
  "ceilings.maxWatchesPerClient": counts.number(
    "--max-watches-per-client <count>",
    "watches of one client",
    DEFAULT_MAX_WATCHES_PER_CLIENT,
    parseCount,
  ),
  "connections.maxConnections": counts.number(
    "--max-connections <count>",
    "open connections",
    DEFAULT_MAX_CONNECTIONS,
    parseCount,
  ),
  "connections.maxStreamsPerConnection": counts.number(
    "--max-streams-per-connection <count>",
    "calls and watches at a time on one HTTP/2 connection",
    DEFAULT_MAX_STREAMS_PER_CONNECTION,
    parseCount,
  ),
  "connections.maxConnectStreamsPerConnection": counts.number(
    "--max-connect-streams-per-connection <count>",
    "those of them that are compressed calls, health, reflection or pages",
    DEFAULT_MAX_CONNECT_STREAMS_PER_CONNECTION,
    parseCount,
  ),

  "connections.sharePercent": shares.number(
    "--connections-share <percent>",
    "connections; trusted proxies are exempt",
    DEFAULT_CONNECTIONS_SHARE_PERCENT,
    parseShare,
  ),
  "ceilings.watchesSharePercent": shares.number(
    "--watches-share <percent>",
    "watches",
    DEFAULT_WATCHES_SHARE_PERCENT,
    parseShare,
  ),
  "shares.clustersPercent": shares.number(
    "--clusters-share <percent>",
    "clusters that it created",
    DEFAULT_REGISTRY_SHARE_PERCENT,
    parseShare,
  ),
  "shares.affiliatesPercent": shares.number(
    "--affiliates-share <percent>",
    "affiliates that it created",
    DEFAULT_REGISTRY_SHARE_PERCENT,
    parseShare,
  ),

  "rules.firstByteTimeoutMs": timeouts.text(
    "--first-byte-timeout <duration>",
    "time for a TLS handshake, and for HTTP/2's greeting or HTTP/1.1's headers",
    "10s",
    parseTimeout,
  ),
  "connections.idleTimeoutMs": timeouts.text(
    "--idle-timeout <duration>",
    "time that a connection may stay without a call or watch",
    "5m",
    parseTimeout,
  ),
  "connections.writeTimeoutMs": timeouts.text(
    "--write-timeout <duration>",
    "time that a client may read nothing while bytes wait for it",
    "60s",
    parseTimeout,
  ),
  "connections.pingIntervalMs": timeouts.text(
    "--ping-interval <duration>",
    "silence after which an HTTP/2 client is sent a ping",
    "1m",
    parseTimeout,
  ),
  "connections.pingTimeoutMs": timeouts.text(
    "--ping-timeout <duration>",
    "time to answer a ping",
    "20s",
    parseTimeout,
  ),

  "log.format": logs.text(
    "--log-format <format>",
    LOG_FORMATS.join(", "),
    "text",
    choiceOf(LOG_FORMATS),
  ),
  "log.level": logs.text(
    "--log-level <level>",
    `minimum level: ${LOG_LEVELS.join(", ")}`,
    "info",
    choiceOf(LOG_LEVELS),
  ),
  "rules.debug": logs.switch("--debug", "log every call, as --log-level debug does", false),
  "log.clusterIds": logs.switch(
    "--log-cluster-ids",
    "log cluster IDs, which are as good as passwords, instead of hashes",
    false,
  ),
};

const SETTING_NAMES: ReadonlySet<string> = new Set(
  Object.values<Setting<unknown>>(SETTINGS).map(({ name }) => name),
);

/** Makes the flags of all settings, for one command. */
export function createSettingOptions(): FlagOption[] {
  return Object.values<Setting<unknown>>(SETTINGS).map((setting) => setting.createOption());
}

/**
 * Whether a flag of the command is a setting: a key of the configuration file, and printed by
 * `--print-config`.
 */
export function isSetting(option: FlagOption): boolean {
  return SETTING_NAMES.has(option.name());
}

/**
 * Reads all settings, without looking at files that they name.
 *
 * @throws {UsageError} For the first value that is invalid, naming where it stands.
 */
export function readSettings(flags: Flags): SettingValues {
  const values: Record<string, Record<string, unknown>> = {};
  for (const [path, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const [place, option] = path.split(".") as [string, string];
    values[place] = { ...values[place], [option]: setting.read(flags) };
  }
  // By the type of the table, each value is one that its option takes.
  return values as unknown as SettingValues;
}

function checkRedirectEndpoint(text: string): string {
  parseRedirectEndpoint(text, parseServiceUrl("https://localhost/"));
  return text;
}

function checkTrustedProxy(text: string): string {
  parseTrustedProxies([text]);
  return text;
}

/** 0 saves on the interval only. */
function parseChangeDelay(text: string): number {
  const delayMs = parseDelay(text);
  return delayMs === 0 ? Number.POSITIVE_INFINITY : delayMs;
}
