/**
 * What the flags of `serve` mean: checked values, from text.
 * @module
 */
import { parseRedirectEndpoint, parseServiceUrl } from "../client/service-url.ts";
import { parseTrustedProxies } from "../server/client-address.ts";
import { UsageError } from "./exit.ts";
import { choiceOf, type ListenAddress, parseListenAddress, parseTimeout } from "./flag-values.ts";
import type { Flags } from "./flags.ts";
import { LOG_FORMATS, type LogFormat } from "./log.ts";

/** Paths of a certificate and its key. */
export interface TlsPaths {
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** All settings of `serve`. */
export interface ServeSettings {
  readonly listen: ListenAddress;
  readonly redirectEndpoint: string | undefined;
  readonly shutdownTimeoutMs: number;
  readonly tls: TlsPaths | undefined;
  readonly trustedProxies: readonly string[];
  readonly logFormat: LogFormat;
  readonly debug: boolean;
}

/**
 * Reads the flags, without looking at files that they name.
 *
 * @throws {UsageError} For the first value that is wrong, naming where it stands.
 */
export function readServeSettings(flags: Flags): ServeSettings {
  return {
    listen: flags.requiredParsed("addr", parseListenAddress),
    redirectEndpoint: flags.parsed("redirect-endpoint", checkRedirectEndpoint),
    shutdownTimeoutMs: flags.requiredParsed("shutdown-timeout", parseTimeout),
    tls: readTlsPaths(flags),
    trustedProxies: flags.parsedList("trusted-proxies", checkTrustedProxy),
    logFormat: flags.requiredParsed("log-format", choiceOf(LOG_FORMATS)),
    debug: flags.isOn("debug"),
  };
}

function checkRedirectEndpoint(text: string): string {
  parseRedirectEndpoint(text, parseServiceUrl("https://localhost/"));
  return text;
}

function checkTrustedProxy(text: string): string {
  parseTrustedProxies([text]);
  return text;
}

function readTlsPaths(flags: Flags): TlsPaths | undefined {
  const certificatePath = flags.text("certificate-path");
  const keyPath = flags.text("key-path");
  if (certificatePath === undefined && keyPath === undefined) return undefined;
  if (certificatePath === undefined || keyPath === undefined) {
    throw new UsageError("--certificate-path and --key-path: one is missing");
  }
  return { certificatePath, keyPath };
}
