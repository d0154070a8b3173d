/**
 * What a process has used, as Linux accounts it.
 * @module
 */
import { readFile } from "node:fs/promises";

/** Of `times` in /proc; the same on every platform that Linux runs on, whatever its own tick is. */
const TICKS_PER_SECOND = 100;

/** Fields of /proc/PID/stat after the name, counted from 0: user and system time in ticks. */
const USER_TIME_FIELD = 11;
const SYSTEM_TIME_FIELD = 12;

/**
 * User and system time of all threads so far, also of those that have ended.
 *
 * @returns Seconds, in steps of 0.01: what is measured must take many of them.
 */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1");
  // The name before may hold anything but this.
  const fields = stat.slice(stat.lastIndexOf(") ") + 2).split(" ");
  return (Number(fields[USER_TIME_FIELD]) + Number(fields[SYSTEM_TIME_FIELD])) / TICKS_PER_SECOND;
}

/** Memory that the process holds, in bytes, its program's pages included. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "latin1");
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`no VmRSS of process ${pid}`);
  return Number(kibibytes) * 1024;
}
