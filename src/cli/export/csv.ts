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
import { memberText } from "./member-text.ts";

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
 * Where a spreadsheet begins a formula, which could call out: at the start of a cell, also after
 * spaces. Where the list separator is a semicolon or a bar, a cell starts after that too, and
 * quotes are then part of the text or around it. Full-width signs count as well.
 *
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /(^|[,;|])([\s"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

/** Characters that begin or end a cell somewhere. */
const SEPARATOR = /[",;|]/;

/** A header and a row for each member. */
export const CSV: ExportFormat = {
  name: "csv",
  description: "A table for spreadsheets: RFC 4180, UTF-8, with a header.",
  examples: ["--config cluster.yaml --out members.csv"],
  notes:
    `Columns: ${COLUMNS.map(([title]) => title).join(", ")}; with --port, target is the\n` +
    "address with that port. What a spreadsheet would take for a formula has a ' in front, and control\n" +
    "characters are escaped: \\u001b.\n",
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

/** What every cell goes through. */
function quoteCell(text: string): string {
  const harmless = memberText(text).replace(FORMULA, "$1$2'");
  return SEPARATOR.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
