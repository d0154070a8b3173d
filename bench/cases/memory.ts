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

const STATE_PROCESS = new URL("./memory-state-process.ts", import.meta.url).pathname;

const STATE_SIZES = [
  ["typical", "data of 400, 3 endpoints of 32"],
  ["largest", "data of 2048, 64 endpoints of 32"],
] as const;

const STATE_AFFILIATES = 100_000;
const QUICK_AFFILIATES = 20_000;
const AFFILIATES_PER_CLUSTER = 10;

/**
 * What the state may take for each affiliate: this times the bytes of data and endpoints, and so
 * many more.
 */
const MOST_PART = 1.3;
const MOST_MORE_BYTES = 600;

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
  const measurements: Measurement[] = [
    {
      name: "memory per affiliate: ID of 44 bytes, data of 300, 4 endpoints of 96",
      unit: "bytes",
      versions: [
        { name: "ours", values: values.ours },
        { name: "naive map", values: values.naive },
      ],
    },
  ];
  for (const [size, what] of STATE_SIZES) {
    measurements.push(await measureState(size, what, quick));
  }
  return measurements;
}

/** Growth of RSS, against what the state may take. */
async function measureState(size: string, what: string, quick: boolean): Promise<Measurement> {
  const count = quick ? QUICK_AFFILIATES : STATE_AFFILIATES;
  const args = ["--expose-gc", STATE_PROCESS, size, String(AFFILIATES_PER_CLUSTER), String(count)];
  const { stdout } = await run(process.execPath, args);
  const { rssBytes, payloadBytes } = JSON.parse(stdout);
  const mostBytes = MOST_PART * payloadBytes + MOST_MORE_BYTES;
  if (!quick && rssBytes > mostBytes) {
    throw new Error(`${what}: ${rssBytes} bytes of RSS each, over ${mostBytes}`);
  }
  return {
    name: `state per affiliate, as growth of RSS: ${what}`,
    unit: "bytes",
    versions: [
      { name: "ours", values: [rssBytes] },
      { name: "at most: 1.3 times its bytes and 600", values: [mostBytes] },
    ],
  };
}
