/**
 * What the rounds come to: medians, how far they lie apart, and whether the ratios to reach are reached.
 * @module
 */
import { summarize } from "../harness/statistics.ts";
import type { RoundValues } from "./rounds.ts";

/** One case over all rounds. */
export interface ServiceResult {
  readonly name: string;
  readonly operation: string;
  readonly unit: "µs" | "MB";
  readonly rounds: readonly RoundValues[];
  readonly ours: number;
  readonly reference: number;
  /** Ours over the reference's in the same round: median, smallest, largest. */
  readonly ratio: { readonly median: number; readonly min: number; readonly max: number };
  readonly limit: number;
  readonly holds: boolean;
}

/** @param rounds - In `unit`. */
export function concludeCase(
  { name, operation, limit }: { name: string; operation: string; limit: number },
  unit: ServiceResult["unit"],
  rounds: readonly RoundValues[],
): ServiceResult {
  const ratio = summarize(rounds.map(({ ours, reference }) => ours / reference));
  return {
    name,
    operation,
    unit,
    rounds,
    ours: summarize(rounds.map(({ ours }) => ours)).median,
    reference: summarize(rounds.map(({ reference }) => reference)).median,
    ratio: { median: ratio.median, min: ratio.min, max: ratio.max },
    limit,
    holds: ratio.median <= limit,
  };
}

/**
 * A Markdown table.
 *
 * @param isJudged - Whether to say which ratios hold.
 */
export function formatResults(results: readonly ServiceResult[], isJudged: boolean): string {
  const header = ["case", "operation", "ours", "reference", "ratio (min to max)", "to reach", ""];
  return markdownTable([
    header,
    ...results.map(({ name, operation, unit, ours, reference, ratio, limit, holds }) => [
      name,
      operation,
      `${ours.toFixed(1)} ${unit}`,
      `${reference.toFixed(1)} ${unit}`,
      `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})`,
      `${limit.toFixed(2)}`,
      isJudged ? (holds ? "holds" : "does not hold") : "",
    ]),
  ]);
}

/** Columns as wide as their widest cell. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [header = []] = rows;
  const widths = header.map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map(
    (row) => `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`,
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}
