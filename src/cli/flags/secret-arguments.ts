/**
 * Keeps secrets out of argument lists, which every user of a machine can read.
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
