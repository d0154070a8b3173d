/**
 * Who gets a core first if there are more processes than cores.
 * @module
 */
import { setPriority } from "node:os";

/** Niceness of processes that the attacker must not keep from a core. */
const NICENESS = -10;

/** What the system says to others than root. */
const NOT_ALLOWED: ReadonlySet<string | undefined> = new Set(["EACCES", "EPERM"]);

/**
 * Lets a process go before the attacker, which on the internet has a machine of its own. Only root
 * may do so. For others nothing changes: all processes share the cores evenly.
 */
export function giveCoreFirst(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch (error) {
    const { info } = error as Error & { readonly info?: { readonly code: string } };
    if (!NOT_ALLOWED.has(info?.code)) throw error;
  }
}
