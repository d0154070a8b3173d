/**
 * Results as a table for people.
 * @module
 */
import type { CaseResult } from "./measurement.ts";
import type { Summary } from "./statistics.ts";

const HEADER = ["", "median", "p25 .. p75", "min .. max", "p99", "times ours (p25 .. p75)"];

/** One block per case: a title, then a line per version. */
export function formatTable(results: readonly CaseResult[]): string {
  const lines: string[][] = [];
  for (const { name, unit, versions } of results) {
    lines.push([name, ...HEADER.slice(1)]);
    for (const version of versions) {
      const { median, p25, p75, min, max, p99 } = version.values;
      const value = unit === "ns" ? formatDuration : formatBytes;
      lines.push([
        `  ${version.name}`,
        value(median),
        `${value(p25)} .. ${value(p75)}`,
        `${value(min)} .. ${value(max)}`,
        value(p99),
        version.ratio ? formatRatio(version.ratio) : "",
      ]);
    }
    lines.push([]);
  }
  const widths = HEADER.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}

/** Three significant digits, in the unit that suits. */
export function formatDuration(ns: number): string {
  if (ns < 1e3) return `${ns.toPrecision(3)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
  if (ns < 1e9) return `${(ns / 1e6).toPrecision(3)} ms`;
  return `${(ns / 1e9).toPrecision(3)} s`;
}

function formatBytes(bytes: number): string {
  return `${Math.round(bytes)} B`;
}

function formatRatio({ median, p25, p75 }: Summary): string {
  // Digits after the point say nothing where the ratio is large.
  const digits = median < 100 ? 2 : 0;
  return `${median.toFixed(digits)} (${p25.toFixed(digits)} .. ${p75.toFixed(digits)})`;
}
