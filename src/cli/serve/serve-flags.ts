/**
 * The flags of `serve`, in groups. Those that the reference service has too keep its names.
 * @module
 */
import type { Command } from "commander";
import {
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_HEADER_BYTES,
  DEFAULT_MAX_STREAMS_PER_CONNECTION,
} from "../../node/http/connection-limits.ts";
import { DEFAULT_SNAPSHOT_PATH } from "../../node/index.ts";
import { DEFAULT_MAX_AFFILIATES, DEFAULT_MAX_CLUSTERS } from "../../registry/limits.ts";
import { DEFAULT_RATE_LIMIT } from "../../server/limits/rate-limit.ts";
import {
  DEFAULT_MAX_WATCHES,
  DEFAULT_MAX_WATCHES_PER_CLIENT,
} from "../../server/limits/watch-ceiling.ts";
import { MAX_REQUEST_BYTES } from "../../server/rpc/request-body.ts";
import { type FlagOption, flag, listFlag, numberFlag, switchFlag } from "../flags/flags.ts";
import { LOG_FORMATS, LOG_LEVELS } from "./log.ts";

/** Made anew for each command: an option belongs to one. */
const createGroups = (): Readonly<Record<string, readonly FlagOption[]>> => ({
  "Listening:": [
    flag("--addr <host:port>", "where to listen; :PORT is all addresses", ":3000"),
    flag(
      "--landing-addr <host:port>",
      "where the pages for people and probes are too, in plaintext; off for nowhere",
      ":3001",
    ),
    flag(
      "--metrics-addr <host:port>",
      "where Prometheus finds /metrics, in plaintext; off for nowhere",
      ":2122",
    ),
    flag("--redirect-endpoint <host:port>", "send clients to another service"),
    flag(
      "--shutdown-timeout <duration>",
      "how long calls may go on, and then the last save may take, after a signal",
      "10s",
    ),
  ],
  "TLS (files are read again when they change):": [
    flag("--certificate-path <file>", "PEM certificate chain, for TLS"),
    flag("--key-path <file>", "PEM key of the certificate"),
    flag(
      "--client-ca-path <file>",
      "PEM CA whose client certificates are asked for; nodes have none",
    ),
  ],
  "State:": [
    switchFlag("--snapshots-enabled", "keep the state in a file over restarts", true),
    flag("--snapshot-path <file>", "the file, the same as the Go service's", DEFAULT_SNAPSHOT_PATH),
    flag("--snapshot-interval <duration>", "how often to save at least", "10m"),
    flag(
      "--snapshot-change-delay <duration>",
      "how soon to save who came, went or moved; 0 saves on the interval only",
      "2s",
    ),
    flag(
      "--restart-grace <duration>",
      "how long all that was loaded lives at least, so that nodes can publish again",
      "5m",
    ),
  ],
  "Clients:": [
    flag(
      "--cluster-allow-list <file>",
      "cluster IDs, one a line: only these are served; read again when it changes",
    ),
    listFlag(
      "--trusted-proxies <cidr>",
      "proxies whose X-Real-IP and X-Forwarded-For are believed, and nobody else's",
    ),
    switchFlag("--trust-x-real-ip", "believe X-Real-IP of trusted proxies", true),
    switchFlag(
      "--trust-first-x-forwarded-for",
      "believe the first entry of X-Forwarded-For of trusted proxies",
      true,
    ),
    switchFlag("--report-client-ip", "tell callers their IP; KubeSpan uses it", true),
  ],
  "Limits:": [
    numberFlag(
      "--rate-limit <calls>",
      "calls per second of one client IP (IPv6: /64); 0 is no limit",
      DEFAULT_RATE_LIMIT.perSecond,
    ),
    numberFlag("--rate-burst <calls>", "calls at once after a pause", DEFAULT_RATE_LIMIT.burst),
    numberFlag("--max-clusters <count>", "clusters", DEFAULT_MAX_CLUSTERS),
    numberFlag("--max-affiliates <count>", "affiliates of all clusters", DEFAULT_MAX_AFFILIATES),
    numberFlag("--max-watches <count>", "watches of all clients", DEFAULT_MAX_WATCHES),
    numberFlag(
      "--max-watches-per-client <count>",
      "watches of one client IP (IPv6: /64)",
      DEFAULT_MAX_WATCHES_PER_CLIENT,
    ),
    numberFlag("--max-connections <count>", "open connections", DEFAULT_MAX_CONNECTIONS),
    numberFlag(
      "--max-streams-per-connection <count>",
      "calls and watches at a time on one HTTP/2 connection",
      DEFAULT_MAX_STREAMS_PER_CONNECTION,
    ),
    numberFlag("--max-header-bytes <bytes>", "headers of one request", DEFAULT_MAX_HEADER_BYTES),
    numberFlag(
      "--max-request-bytes <bytes>",
      "one request message; the protocol's largest is under 7 kB",
      MAX_REQUEST_BYTES,
    ),
    flag(
      "--first-byte-timeout <duration>",
      "how long a connection may take to begin: TLS, HTTP/2's greeting or HTTP/1.1's headers",
      "10s",
    ),
    flag(
      "--idle-timeout <duration>",
      "how long a connection may stay without a call; a watch is one",
      "5m",
    ),
  ],
  "Logs:": [
    flag("--log-format <format>", LOG_FORMATS.join(", "), "text"),
    flag("--log-level <level>", `the least that is logged: ${LOG_LEVELS.join(", ")}`, "info"),
    switchFlag("--debug", "log every call, as --log-level debug does", false),
    switchFlag(
      "--log-cluster-ids",
      "log cluster IDs as they are, which are as good as passwords, instead of their hashes",
      false,
    ),
  ],
});

/** Flags that are no settings, and so no keys of a configuration file. */
const CONTROL_FLAGS: ReadonlySet<string> = new Set(["config", "print-config", "gc-interval"]);

/** Adds the flags to the command. */
export function addServeFlags(command: Command): void {
  for (const [heading, options] of Object.entries(createGroups())) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  const control = [
    flag("--config <file>", "YAML with these names as keys; flags and variables go before it"),
    switchFlag("--print-config", "print what is in force and where it comes from, and end", false),
    flag("--gc-interval <duration>", "has no effect: expiry is exact here, without a collector"),
  ];
  for (const option of control) command.addOption(option.helpGroup("Configuration:"));
}

/** Whether a flag of the command is a setting: a key of the configuration file, and printed by `--print-config`. */
export function isSetting(option: FlagOption): boolean {
  return !CONTROL_FLAGS.has(option.name());
}
