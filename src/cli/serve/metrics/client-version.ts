/**
 * Versions of clients as a metric shows them: few, whatever callers send.
 * @see docs/protocol.md, "What the server does"
 * @module
 */

/** What stands for everything that is no version. */
export const UNKNOWN_VERSION = "unknown";

/**
 * `v1.8.3` is `v1.8`, `v1.9.0-alpha.1` is `v1.9-pre`, anything else is `unknown`.
 *
 * @param version - Unchecked text from a caller.
 */
export function clientVersionLabel(version: string): string {
  const match = /^v(\d{1,3})\.(\d{1,3})\.\d{1,9}($|[-+])/.exec(version);
  if (match === null) return UNKNOWN_VERSION;
  const [, major, minor, suffix] = match;
  return `v${major}.${minor}${suffix === "" ? "" : "-pre"}`;
}
