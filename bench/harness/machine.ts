/**
 * Where figures were taken: without it they mean nothing.
 * @module
 */
import { availableParallelism, cpus, totalmem } from "node:os";

export interface Machine {
  readonly processor: string;
  readonly memory: string;
  readonly runtime: string;
}

export function describeMachine(): Machine {
  return {
    processor: `${availableParallelism()} cores of ${cpus()[0]?.model.trim() || "an unnamed processor"}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    runtime: `Node ${process.version} on ${process.platform} ${process.arch}`,
  };
}
