/**
 * Members as a table for spreadsheets.
 * @see RFC 4180
 * @module
 */
import { hostPort } from "../../net/host-port.ts";
import { parsePort } from "../flags/flag-values.ts";
import { flag } from "../flags/flags.ts";
import type { ExportFormat } from "./exporter.ts";
import { exportedType, type SelectedMember } from "./member-selection.ts";

/** A title, and what stands under it. */
type Column = readonly [title: string, cell: (member: SelectedMember) => string];

/** Lists are separated by spaces, which no address has. */
const COLUMNS: readonly Column[] = [
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
 * What spreadsheets take for a formula, which could call out; what other machines say of themselves
 * is not to be run.
 *
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^[=+\-@\t\r]/;

/** A header and a row for each member. */
export const CSV: ExportFormat = {
  name: "csv",
  description: "A table for spreadsheets: RFC 4180, UTF-8, with a header.",
  examples: ["--config cluster.yaml --out members.csv"],
  notes:
    `Columns: ${COLUMNS.map(([title]) => title).join(", ")}; with --port, target is the\n` +
    "address with that port. A cell that a spreadsheet would take for a formula begins with '.\n",
  addFlags(command) {
    command.addOption(
      flag("--port <port>", "for a column target, ADDRESS:PORT, at the end").ownedBy("export csv"),
    );
  },
  prepare(flags) {
    const port = flags.parsed("port", parsePort);
    const columns = port === undefined ? COLUMNS : [...COLUMNS, targetColumn(port)];
    return {
      render: ({ members }) => ({
        text: [
          columns.map(([title]) => title),
          ...members.map((member) => columns.map(([, cell]) => cell(member))),
        ]
          .map((row) => `${row.map(quoteCell).join(",")}\r\n`)
          .join(""),
        problems: [],
      }),
    };
  },
};

function targetColumn(port: number): Column {
  return ["target", ({ address }) => hostPort(address, port)];
}

function quoteCell(text: string): string {
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
