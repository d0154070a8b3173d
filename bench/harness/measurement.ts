/**
 * Values as they were measured, and what they come to.
 * @module
 */
import { type Summary, summarize } from "./statistics.ts";

/** Versions of one operation, measured in rounds. The first version is ours. */
export interface Measurement {
  readonly name: string;
  /** `ns`: per operation. `bytes`: per item. */
  readonly unit: "ns" | "bytes";
  readonly versions: readonly {
    readonly name: string;
    /** Value `i` of every version is of the same round. */
    readonly values: readonly number[];
  }[];
}

export interface VersionResult {
  readonly name: string;
  readonly values: Summary;
  /** This version's value over ours in the same round; absent for ours. Above 1: ours is better. */
  readonly ratio?: Summary;
}

export interface CaseResult {
  readonly name: string;
  readonly unit: Measurement["unit"];
  readonly versions: readonly VersionResult[];
}

/** Puts together what several processes measured: the same cases, in the same order. */
export function pool(processes: readonly (readonly Measurement[])[]): Measurement[] {
  const [first = []] = processes;
  return first.map(({ name, unit, versions }, at) => ({
    name,
    unit,
    versions: versions.map((version, which) => ({
      name: version.name,
      values: processes.flatMap((measured) => measured[at]?.versions[which]?.values ?? []),
    })),
  }));
}

export function summarizeMeasurement({ name, unit, versions }: Measurement): CaseResult {
  const ours = versions[0]?.values ?? [];
  return {
    name,
    unit,
    versions: versions.map((version, at) => ({
      name: version.name,
      values: summarize(version.values),
      ...(at > 0 && {
        ratio: summarize(version.values.map((value, round) => value / (ours[round] as number))),
      }),
    })),
  };
}
