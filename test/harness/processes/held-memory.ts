/**
 * What a process holds after all garbage is collected.
 * @module
 */
import { resolve } from "node:path";
import type { LineProcess } from "./line-process.ts";

/** Makes a process answer {@link heldMemory}; for `NODE_OPTIONS`. */
export const COLLECT_ON_SIGNAL: string = `--import=${resolve(import.meta.dirname, "collect-on-signal.mjs")}`;

const BYTES_PER_MB = 2 ** 20;

export interface HeldMemory {
  readonly heapMb: number;
  /** Buffers and other memory that the heap refers to. */
  readonly externalMb: number;
}

/** How often each process was asked: answers are numbered. */
const collections = new WeakMap<LineProcess<unknown>, number>();

/** Collects garbage in a process that was started with {@link COLLECT_ON_SIGNAL}. */
export async function heldMemory(process: LineProcess<unknown>): Promise<HeldMemory> {
  const number = (collections.get(process) ?? 0) + 1;
  collections.set(process, number);
  const start = `collected ${number}: `;
  process.signal("SIGUSR2");
  await process.untilDiagnostic(start);
  const line = process.diagnostics.findLast((text) => text.startsWith(start)) ?? "";
  const { heapUsed, external } = JSON.parse(line.slice(start.length)) as NodeJS.MemoryUsage;
  return { heapMb: heapUsed / BYTES_PER_MB, externalMb: external / BYTES_PER_MB };
}
