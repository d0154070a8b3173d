/**
 * How many bytes an affiliate takes in a registry, each measurement in a process of its own.
 * @module
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { BenchOptions } from "../harness/measure.ts";
import type { Measurement } from "../harness/measurement.ts";

const run = promisify(execFile);

const PROCESS = new URL("./memory-process.ts", import.meta.url).pathname;

const VERSIONS = ["ours", "naive"] as const;

export async function measure({ quick }: BenchOptions): Promise<readonly Measurement[]> {
  const rounds = quick ? 1 : 3;
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
    {
      name: "memory per affiliate: ID of 44 bytes, data of 300, 4 endpoints of 96",
      unit: "bytes",
      versions: [
        { name: "ours", values: values.ours },
        { name: "naive map", values: values.naive },
      ],
    },
  ];
}
