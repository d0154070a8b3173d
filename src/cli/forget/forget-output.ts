/**
 * What `forget` shows: what will be deleted, and how it went.
 * @module
 */
import { formatJson, formatYaml } from "../output/documents.ts";
import type { Style } from "../output/style.ts";
import { formatTable } from "../output/table.ts";
import { printable } from "../text.ts";
import type { HeldCopy, NodeChoice } from "./node-choice.ts";
import type { ForgetOutcome } from "./service-copies.ts";

/** What `-o` takes. */
export const FORGET_FORMATS = ["table", "json", "yaml"] as const;

/** One of {@link FORGET_FORMATS}. */
export type ForgetFormat = (typeof FORGET_FORMATS)[number];

/** A row for each copy. */
export function formatCopies(copies: readonly HeldCopy[], style: Style): string {
  const rows = copies.map(({ service, nodeId, spec }) => [
    service.name,
    nodeId,
    ...(spec === undefined
      ? ["-", "-", "-", "(nothing that opens)"]
      : [spec.nodename, spec.hostname, spec.machineType, JSON.stringify(spec.addresses)]),
  ]);
  return table(["SERVICE", "ID", "NODENAME", "HOSTNAME", "MACHINE TYPE", "ADDRESSES"], rows, style);
}

/** A row for each service, or one object. */
export function formatOutcomes(
  { nodeId, name }: Pick<Extract<NodeChoice, { readonly kind: "found" }>, "nodeId" | "name">,
  outcomes: readonly ForgetOutcome[],
  format: ForgetFormat,
  style: Style,
): string {
  if (format === "table") {
    const rows = outcomes.map(({ service, result, error }) => [
      service.name,
      nodeId,
      error === undefined ? result : `${result}: ${error}`,
    ]);
    return table(["SERVICE", "ID", "RESULT"], rows, style);
  }
  const value = {
    nodeId,
    nodename: name,
    services: outcomes.map(({ service, result, error }) => ({
      name: service.name,
      url: service.url,
      result,
      ...(error !== undefined && { error }),
    })),
  };
  return format === "json" ? formatJson(value) : formatYaml(value);
}

function table(heading: readonly string[], rows: readonly string[][], style: Style): string {
  return formatTable(
    heading,
    rows.map((row) => row.map(printable)),
    style,
  );
}
