/**
 * How many bytes an affiliate takes in a registry, each measurement in a process of its own.
 * @module
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type CaseResult, summarizeCase } from "../harness/compare.ts";
import type { BenchOptions } from "../harness/measure.ts";

const run = promisify(execFile);

const PROCESS = new URL("./memory-process.ts", import.meta.url).pathname;

const VERSIONS = ["ours", "naive"] as const;

export async function measure({ quick }: BenchOptions): Promise<readonly CaseResult[]> {
  const rounds = quick ? 1 : 5;
  const values = { ours: [] as number[], naive: [] as number[] };
  const digests = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const version of VERSIONS) {
      const { stdout } = await run(process.execPath, ["--expose-gc", PROCESS, version]);
      const { bytesPerAffiliate, digest } = JSON.parse(stdout);
      values[version].push(bytesPerAffiliate);
      digests.add(digest);
    }
  }
  if (digests.size !== 1) throw new Error("the registries hold different affiliates");
  return [
    summarizeCase("memory per affiliate: ID of 44 bytes, data of 300, 4 endpoints of 96", "bytes", [
      { name: "ours", values: values.ours },
      { name: "naive map", values: values.naive },
    ]),
  ];
}
