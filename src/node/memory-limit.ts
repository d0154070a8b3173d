/**
 * How much memory a service may use: half of what the process can have at all.
 *
 * Two walls can end the process: the memory limit of its container, and V8's heap. The state is
 * outside V8's heap, but every byte of it is moved by objects that are inside, so that a heap which
 * is small says that the whole is meant to be small. The other half is for code, garbage that is
 * not collected yet, and the sockets' own buffers.
 * @module
 */
import { getHeapStatistics } from "node:v8";

/** The two walls. */
export interface MachineMemory {
  /**
   * Bytes that the system lets the process have, as `process.constrainedMemory` says: 0 or more
   * than any machine has where there is no limit.
   */
  readonly constrained: number;
  /**
   * V8's `heap_size_limit`, in bytes; if `--max-old-space-size` is set, that: V8 adds what the
   * young generation may have, which is not meant by those who set it.
   */
  readonly heapLimit: number;
}

/** Least that a service is of use with: a full cluster, and a few lists of it on their way. */
export const MIN_MAX_MEMORY: number = 16 * 2 ** 20;

/** Bytes that the process can have at all, as far as a service should count on. */
export function availableMemory({ constrained, heapLimit }: MachineMemory): number {
  const limit = constrained > 0 ? constrained : Number.POSITIVE_INFINITY;
  return Math.min(limit, 2 * heapLimit);
}

/**
 * The default of `--max-memory`: half of the smaller of the system's limit and twice V8's.
 *
 * @returns Whole bytes, at least {@link MIN_MAX_MEMORY}.
 */
export function resolveMaxMemory(machine: MachineMemory): number {
  return Math.max(MIN_MAX_MEMORY, Math.floor(availableMemory(machine) / 2));
}

/** Asks the system and V8. */
export function readMachineMemory(): MachineMemory {
  // Older runtimes than Node 22 have no such function, and neither have some others.
  const constrained = (process as Partial<NodeJS.Process>).constrainedMemory?.() ?? 0;
  const { NODE_OPTIONS = "" } = process.env;
  // V8 takes the last one, which Node finds on the command line.
  const flags = [NODE_OPTIONS, ...process.execArgv].join(" ");
  return { constrained, heapLimit: parseHeapLimit(flags) ?? getHeapStatistics().heap_size_limit };
}

/**
 * Reads what `--max-old-space-size` gives V8's old generation.
 *
 * @param flags - Of Node, `NODE_OPTIONS` first; the last one counts.
 * @returns Bytes; `undefined` if it is not set.
 */
export function parseHeapLimit(flags: string): number | undefined {
  const found = [...flags.matchAll(/--max[-_]old[-_]space[-_]size[= ](\d+)/g)].at(-1);
  const megabytes = Number(found?.[1] ?? 0);
  return megabytes === 0 ? undefined : megabytes * 2 ** 20;
}
