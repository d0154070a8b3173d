/**
 * What programs that are started here see of the environment.
 * @module
 */

/** How variables begin that are settings of this program. Some of them are secrets. */
const OWN_PREFIX = "TALOS_DISCOVERY_";

/** Names of variables in `env` that no other program may see. */
export function ownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(env).filter((name) => name.startsWith(OWN_PREFIX));
}
