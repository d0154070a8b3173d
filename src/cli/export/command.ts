/**
 * `export`: the members of a cluster in the formats of other tools, once or kept up to date.
 * @module
 */
import { sleep } from "../../async/timers.ts";
import { removeLeftovers } from "../../node/files/atomic-file.ts";
import {
  addClusterFlags,
  type ClusterAccess,
  readClusterAccess,
} from "../cluster/cluster-access.ts";
import { readClusterOnce } from "../cluster/cluster-discovery.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { EXIT_OK, type ExitCode, oneLine } from "../exit.ts";
import { type CliIo, writeNotice } from "../io.ts";
import { counted, printableLines } from "../text.ts";
import { ANSIBLE } from "./ansible.ts";
import { CSV } from "./csv.ts";
import {
  addDestinationFlags,
  type Destination,
  readDestination,
  writeExport,
} from "./destination.ts";
import { type ExportedText, Exporter, type ExportFormat, type ExportRenderer } from "./exporter.ts";
import { followCluster } from "./followed-cluster.ts";
import { HOSTS } from "./hosts.ts";
import { addMemberSelectionFlags, readMemberSelection } from "./member-selection.ts";
import { PROMETHEUS } from "./prometheus.ts";
import { serveText } from "./served-text.ts";
import { TALOSCONFIG } from "./talosconfig.ts";
import { WIREGUARD } from "./wireguard.ts";

/** The formats, in the order of the help. */
export const EXPORT_FORMATS: readonly ExportFormat[] = [
  PROMETHEUS,
  HOSTS,
  ANSIBLE,
  WIREGUARD,
  TALOSCONFIG,
  CSV,
];

/** When to try again to write a file, that could be written before. */
const WRITE_RETRY_MS = 5000;

/** Adds `export`. */
export const addExportCommand: AddCommand = (parent, action) => {
  const group = parent
    .command("export")
    .description("Print or serve the members in the format of another tool.");
  for (const format of EXPORT_FORMATS) {
    const command = group.command(format.name).description(format.description);
    format.addFlags?.(command);
    addMemberSelectionFlags(command);
    addDestinationFlags(command, format);
    addClusterFlags(command)
      .addHelpText("after", helpOf(format))
      .action(action((invocation) => runExport(format, invocation)));
  }
};

function helpOf({ name, examples: lines, notes = "" }: ExportFormat): string {
  return (
    examples(...lines.map((line) => `talos-discovery export ${name} ${line}`)) +
    "\nOf each member the first address counts that --family and --cidr let pass, in the order in which the node\n" +
    `published them.\n${notes}`
  );
}

interface ExportRun {
  readonly format: ExportFormat;
  readonly renderer: ExportRenderer;
  readonly exporter: Exporter;
  readonly access: ClusterAccess;
  readonly io: CliIo;
}

async function runExport(format: ExportFormat, { flags, io }: Invocation): Promise<ExitCode> {
  const destination = readDestination(flags, format);
  const selection = readMemberSelection(flags);
  const renderer = await format.prepare(flags);
  const access = await readClusterAccess(flags, io);
  const cluster = {
    id: access.clusterId,
    secret: access.clusterSecret,
    name: access.clusterName,
  };
  const exporter = new Exporter(cluster, selection, renderer, noticeTo(io));
  await runTo(destination, { format, renderer, exporter, access, io });
  return EXIT_OK;
}

function noticeTo(io: CliIo): (line: string) => void {
  return (line) => writeNotice(io, line);
}

async function runTo(destination: Destination, run: ExportRun): Promise<void> {
  switch (destination.kind) {
    case "stdout": {
      const { text } = await exportOnce(run, destination.timeoutMs);
      // A file is for programs; here somebody looks.
      run.io.stdout.write(run.io.stdout.isTerminal ? printableLines(text) : text);
      return;
    }
    case "file": {
      await removeLeftovers(destination.path);
      await write(destination.path, await exportOnce(run, destination.timeoutMs), run);
      return;
    }
    case "followed-file":
      return keepFile(destination.path, run);
    case "port":
      return serveTargets(destination, run);
  }
}

async function exportOnce(
  { access, exporter, io }: ExportRun,
  timeoutMs: number,
): Promise<ExportedText> {
  const options = { signal: io.signal, timeoutMs, onNotice: noticeTo(io) };
  return exporter.render(await readClusterOnce(access, options));
}

async function write(
  path: string,
  { text, memberCount }: ExportedText,
  { format, renderer, io }: ExportRun,
): Promise<void> {
  const isWritten = await writeExport(path, text, {
    isPrivate: format.isPrivate ?? false,
    merge: renderer.merge,
  });
  writeNotice(
    io,
    `${path}: ${isWritten ? "written" : "nothing has changed"}, ${counted(memberCount, "member")}`,
  );
}

/** A file that cannot be written at first is an error; later it is tried again. */
async function keepFile(path: string, run: ExportRun): Promise<void> {
  const { access, exporter, io } = run;
  await removeLeftovers(path);
  let written: string | undefined;
  for await (const state of followCluster(access, { signal: io.signal, onNotice: noticeTo(io) })) {
    const exported = exporter.render(state);
    while (exported.text !== written && !io.signal.aborted) {
      try {
        await write(path, exported, run);
        written = exported.text;
      } catch (error) {
        if (written === undefined) throw error;
        writeNotice(io, `${oneLine(error)}; again in ${WRITE_RETRY_MS / 1000} s`);
        await sleep(WRITE_RETRY_MS, io.signal).catch(() => {});
      }
    }
  }
}

async function serveTargets(
  { address, mediaType }: Extract<Destination, { readonly kind: "port" }>,
  { access, exporter, io }: ExportRun,
): Promise<void> {
  const served = await serveText(address, mediaType);
  io.stdout.write(`listening on ${served.url}\n`);
  try {
    const changes = followCluster(access, { signal: io.signal, onNotice: noticeTo(io) });
    for await (const state of changes) served.replace(exporter.render(state).text);
  } finally {
    await served.close();
  }
}
