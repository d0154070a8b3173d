/**
 * Members as a table for spreadsheets.
 * @see RFC 4180
 * @module
 */
import type { ExportFormat } from "./format.ts";
import { exportedType, type SelectedMember } from "./member-selection.ts";

/** Column titles, and what stands under them. Lists are separated by spaces, which no address has. */
const COLUMNS: readonly (readonly [title: string, cell: (member: SelectedMember) => string])[] = [
  ["node_name", ({ name }) => name],
  ["node_id", ({ spec }) => spec.nodeId],
  ["hostname", ({ spec }) => spec.hostname],
  ["machine_type", ({ spec }) => exportedType(spec.machineType)],
  ["operating_system", ({ spec }) => spec.operatingSystem],
  ["address", ({ address }) => address],
  ["addresses", ({ addresses }) => addresses.join(" ")],
  ["control_plane_port", ({ spec }) => String(spec.controlPlane?.port ?? "")],
];

/**
 * What spreadsheets take for a formula, which could call out; what other machines say of themselves is not to be run.
 *
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^[=+\-@\t\r]/;

/** A header and a row for each member. */
export const CSV: ExportFormat = {
  name: "csv",
  description: "A table for spreadsheets: RFC 4180, UTF-8, with a header.",
  examples: ["--config cluster.yaml --out members.csv"],
  notes: `Columns: ${COLUMNS.map(([title]) => title).join(", ")}.\nA cell that a spreadsheet would take for a formula begins with '.\n`,
  prepare: () => ({
    render: ({ members }) => ({
      text: [
        COLUMNS.map(([title]) => title),
        ...members.map((member) => COLUMNS.map(([, cell]) => cell(member))),
      ]
        .map((row) => `${row.map(quoteCell).join(",")}\r\n`)
        .join(""),
      problems: [],
    }),
  }),
};

function quoteCell(text: string): string {
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
