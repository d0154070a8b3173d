/**
 * How much memory a process has, and has had at most.
 * @module
 */
import { readFileSync } from "node:fs";

export interface ResidentMemory {
  readonly now: number;
  /** Since it started. The kernel keeps it: no peak between two looks is missed. */
  readonly peak: number;
}

/** In MB, from Linux. */
export function residentMb(pid: number): ResidentMemory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string): number => {
    const kb = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    if (kb === undefined) throw new Error(`/proc/${pid}/status: no ${name}`);
    return Math.round(Number(kb) / 1024);
  };
  return { now: field("VmRSS"), peak: field("VmHWM") };
}
