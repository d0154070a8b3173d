/**
 * The settings of `serve`: one row each. What follows from a row alone is its flag with help and
 * default, the variable, the configuration key, the check, and the option that takes the value.
 * Flags that the reference service has too keep its names.
 * @module
 */
import { parseRedirectEndpoint, parseServiceUrl } from "../../client/service-url.ts";
import {
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_HEADER_BYTES,
  DEFAULT_MAX_STREAMS_PER_CONNECTION,
} from "../../node/http/connection-limits.ts";
import { DEFAULT_SNAPSHOT_PATH } from "../../node/index.ts";
import { DEFAULT_MAX_AFFILIATES, DEFAULT_MAX_CLUSTERS } from "../../registry/limits.ts";
import { parseCorsOrigin } from "../../server/cors.ts";
import { parseTrustedProxies } from "../../server/limits/client-address.ts";
import { DEFAULT_RATE_LIMIT } from "../../server/limits/rate-limit.ts";
import {
  DEFAULT_MAX_WATCHES,
  DEFAULT_MAX_WATCHES_PER_CLIENT,
} from "../../server/limits/watch-ceiling.ts";
import { MAX_REQUEST_BYTES } from "../../server/rpc/request-body.ts";
import {
  choiceOf,
  integerFrom,
  parseDelay,
  parseListenAddress,
  parseOptionalListenAddress,
  parseTimeout,
} from "../flags/flag-values.ts";
import type { FlagOption, Flags } from "../flags/flags.ts";
import { LOG_FORMATS, LOG_LEVELS } from "./log.ts";
import { type Setting, type SettingTable, type SettingValues, settingGroup } from "./setting.ts";

const listening = settingGroup("Listening:");
const tls = settingGroup("TLS (files are read again when they change):");
const state = settingGroup("State:");
const clients = settingGroup("Clients:");
const limits = settingGroup("Limits:");
const logs = settingGroup("Logs:");

/** No state is larger, and no number of connections. */
const MAX_COUNT = 1_000_000_000;

const parseCount = integerFrom(1, MAX_COUNT);
const parseAnyText = (text: string): string => text;

/** The table. */
export const SETTINGS: SettingTable = {
  "rules.addr": listening.text(
    "--addr <host:port>",
    "where to listen; :PORT is all addresses",
    ":3000",
    parseListenAddress,
  ),
  "rules.landingAddr": listening.optionalText(
    "--landing-addr <host:port>",
    "where the pages for people and probes are too, in plaintext; off for nowhere",
    parseOptionalListenAddress,
    ":3001",
  ),
  "rules.metricsAddr": listening.optionalText(
    "--metrics-addr <host:port>",
    "where Prometheus finds /metrics, in plaintext; off for nowhere",
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
    "how long calls may go on, and then the last save may take, after a signal",
    "10s",
    parseTimeout,
  ),

  "rules.certificatePath": tls.optionalText(
    "--certificate-path <file>",
    "PEM certificate chain, for TLS",
    parseAnyText,
  ),
  "rules.keyPath": tls.optionalText(
    "--key-path <file>",
    "PEM key of the certificate",
    parseAnyText,
  ),
  "rules.clientCaPath": tls.optionalText(
    "--client-ca-path <file>",
    "PEM CA whose client certificates are asked for; nodes have none",
    parseAnyText,
  ),

  "rules.snapshotsEnabled": state.switch(
    "--snapshots-enabled",
    "keep the state in a file over restarts",
    true,
  ),
  "snapshot.path": state.text(
    "--snapshot-path <file>",
    "the file, the same as the Go service's",
    DEFAULT_SNAPSHOT_PATH,
    parseAnyText,
  ),
  "snapshot.intervalMs": state.text(
    "--snapshot-interval <duration>",
    "how often to save at least",
    "10m",
    parseTimeout,
  ),
  "snapshot.changeDelayMs": state.text(
    "--snapshot-change-delay <duration>",
    "how soon to save who came, went or moved; 0 saves on the interval only",
    "2s",
    parseChangeDelay,
  ),
  "snapshot.restartGraceMs": state.text(
    "--restart-grace <duration>",
    "how long all that was loaded lives at least, so that nodes can publish again",
    "5m",
    parseDelay,
  ),

  "rules.clusterAllowList": clients.optionalText(
    "--cluster-allow-list <file>",
    "cluster IDs, one a line: only these are served; read again when it changes",
    parseAnyText,
  ),
  "serve.trustedProxies": clients.list(
    "--trusted-proxies <cidr>",
    "proxies whose X-Real-IP and X-Forwarded-For are believed, and nobody else's",
    checkTrustedProxy,
  ),
  "serve.trustXRealIp": clients.switch(
    "--trust-x-real-ip",
    "believe X-Real-IP of trusted proxies",
    true,
  ),
  "serve.trustFirstXForwardedFor": clients.switch(
    "--trust-first-x-forwarded-for",
    "believe the first entry of X-Forwarded-For of trusted proxies",
    true,
  ),
  "serve.reportClientIp": clients.switch(
    "--report-client-ip",
    "tell callers their IP; KubeSpan uses it",
    true,
  ),
  "serve.corsOrigins": clients.list(
    "--cors-origin <origin>",
    "origin whose web pages may call the service, like https://example.org; * allows every page",
    (text) => parseCorsOrigin(text),
  ),

  "rules.rateLimit": limits.number(
    "--rate-limit <calls>",
    "calls per second of one client IP (IPv6: /64); 0 is no limit",
    DEFAULT_RATE_LIMIT.perSecond,
    integerFrom(0, MAX_COUNT),
  ),
  "rules.rateBurst": limits.number(
    "--rate-burst <calls>",
    "calls at once after a pause",
    DEFAULT_RATE_LIMIT.burst,
    parseCount,
  ),
  "limits.maxClusters": limits.number(
    "--max-clusters <count>",
    "clusters",
    DEFAULT_MAX_CLUSTERS,
    parseCount,
  ),
  "limits.maxAffiliates": limits.number(
    "--max-affiliates <count>",
    "affiliates of all clusters",
    DEFAULT_MAX_AFFILIATES,
    parseCount,
  ),
  "ceilings.maxWatches": limits.number(
    "--max-watches <count>",
    "watches of all clients",
    DEFAULT_MAX_WATCHES,
    parseCount,
  ),
  "ceilings.maxWatchesPerClient": limits.number(
    "--max-watches-per-client <count>",
    "watches of one client IP (IPv6: /64)",
    DEFAULT_MAX_WATCHES_PER_CLIENT,
    parseCount,
  ),
  "connections.maxConnections": limits.number(
    "--max-connections <count>",
    "open connections",
    DEFAULT_MAX_CONNECTIONS,
    parseCount,
  ),
  "connections.maxStreamsPerConnection": limits.number(
    "--max-streams-per-connection <count>",
    "calls and watches at a time on one HTTP/2 connection",
    DEFAULT_MAX_STREAMS_PER_CONNECTION,
    parseCount,
  ),
  "connections.maxHeaderBytes": limits.number(
    "--max-header-bytes <bytes>",
    "headers of one request",
    DEFAULT_MAX_HEADER_BYTES,
    parseCount,
  ),
  "serve.maxRequestBytes": limits.number(
    "--max-request-bytes <bytes>",
    "one request message; the protocol's largest is under 7 kB",
    MAX_REQUEST_BYTES,
    parseCount,
  ),
  "rules.firstByteTimeoutMs": limits.text(
    "--first-byte-timeout <duration>",
    "how long a connection may take to begin: TLS, HTTP/2's greeting or HTTP/1.1's headers",
    "10s",
    parseTimeout,
  ),
  "connections.idleTimeoutMs": limits.text(
    "--idle-timeout <duration>",
    "how long a connection may stay without a call; a watch is one",
    "5m",
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
    `the least that is logged: ${LOG_LEVELS.join(", ")}`,
    "info",
    choiceOf(LOG_LEVELS),
  ),
  "rules.debug": logs.switch("--debug", "log every call, as --log-level debug does", false),
  "log.clusterIds": logs.switch(
    "--log-cluster-ids",
    "log cluster IDs as they are, which are as good as passwords, instead of their hashes",
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
