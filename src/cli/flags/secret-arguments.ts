/**
 * Keeps secrets out of argument lists, which every user of a machine can read, and out of what is printed.
 * @module
 */
import { UsageError } from "../exit.ts";

/**
 * Refuses a secret as an argument.
 *
 * @throws {UsageError} which does not repeat what was given.
 */
export function refuseSecretArguments(argv: readonly string[]): void {
  const end = argv.indexOf("--");
  const flags = end === -1 ? argv : argv.slice(0, end);
  if (flags.some((argument) => /^--?(cluster-?)?secret(=|$)/i.test(argument))) {
    throw new UsageError(
      "a secret is never an argument, where others can read it: use --cluster-secret-file FILE " +
        "(- for stdin) or TALOS_DISCOVERY_CLUSTER_SECRET",
    );
  }
}

/** Blanks whatever has the form of a cluster secret: base64 of 32 bytes. For texts that may repeat what a user typed. */
export function redactSecrets(text: string): string {
  return text.replace(/(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{43}=/g, "(redacted)");
}
