/**
 * `snapshot show`: what a service has saved, as text, one cluster after the other.
 * @module
 */
import { toJson } from "@bufbuild/protobuf";
import {
  type Duration,
  DurationSchema,
  type Timestamp,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import { isDiscoveryError } from "../../errors.ts";
import { printable } from "../../net/quote.ts";
import { readSnapshotFile } from "../../node/index.ts";
import type { AffiliateSnapshot, ClusterSnapshot } from "../../protocol/index.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { CommandFailure, EXIT_OK, type ExitCode, oneLine } from "../exit.ts";
import { formatYaml } from "../output/documents.ts";
import { formatFlag, OUTPUT_FORMATS, type OutputFormat, readFormat } from "../output/formats.ts";
import { chooseStyle, type Style } from "../output/style.ts";
import { formatTable, TableLayout } from "../output/table.ts";
import { counted, printableLines } from "../text.ts";

/** How much may wait for a slow reader: a file is larger than what should be in memory. */
const FLUSH_CHARACTERS = 1_000_000;

/** Adds `snapshot`. */
export const addSnapshotCommand: AddCommand = (parent, action) => {
  const snapshot = parent
    .command("snapshot")
    .description("Look into snapshot files of a discovery service.");
  snapshot
    .command("show")
    .description(
      "Show the clusters of a snapshot file, this service's or the Go service's. Of a damaged one, what comes before the damage.",
    )
    .argument("<file>", "a snapshot file, such as state.binpb")
    .addOption(formatFlag(OUTPUT_FORMATS))
    .addHelpText(
      "after",
      examples(
        "talos-discovery snapshot show /var/discovery-service/state.binpb",
        "talos-discovery snapshot show state.binpb -o json",
      ),
    )
    .action(action(runShow));
};

async function runShow({ flags, args: [path = ""], io }: Invocation): Promise<ExitCode> {
  const format = readFormat(flags, OUTPUT_FORMATS);
  const printer = createSnapshotPrinter(format, chooseStyle(io.stdout, io.env));
  let clusters = 0;
  let waitingCharacters = 0;
  try {
    for await (const { cluster } of readSnapshotFile(path, io)) {
      if (io.signal.aborted) break;
      const text = printer.print(cluster);
      io.stdout.write(text);
      clusters++;
      waitingCharacters += text.length;
      if (waitingCharacters < FLUSH_CHARACTERS) continue;
      await io.stdout.flushed?.();
      waitingCharacters = 0;
    }
  } catch (error) {
    if (isDiscoveryError(error) && error.code === "ERR_FILE_UNREADABLE") throw error;
    io.stdout.write(printer.end());
    const why = io.signal.aborted ? "interrupted" : oneLine(error);
    throw new CommandFailure(`${why}; shown is what comes before: ${counted(clusters, "cluster")}`);
  }
  io.stdout.write(printer.end());
  return EXIT_OK;
}

/** Turns clusters into text, as they come. Throws for times out of the range of the calendar. */
interface SnapshotPrinter {
  print(cluster: ClusterSnapshot): string;
  /** What closes the text, also where not all clusters could be read. */
  end(): string;
}

/** Makes the printer for a format. */
function createSnapshotPrinter(format: OutputFormat, style: Style): SnapshotPrinter {
  switch (format) {
    case "json":
      return createJsonPrinter();
    case "yaml":
      return createYamlPrinter();
    case "table":
    case "wide":
      return createTablePrinter(format === "wide", style);
  }
}

/** One object, as the reference's decoder prints it. */
function createJsonPrinter(): SnapshotPrinter {
  let isStarted = false;
  return {
    print(cluster) {
      // IDs come from untrusted clients. In JSON an escape means the same.
      const plain = printableLines(JSON.stringify(plainCluster(cluster), null, 2));
      const text = plain.replaceAll("\n", "\n    ");
      const before = isStarted ? ",\n" : '{\n  "clusters": [\n';
      isStarted = true;
      return `${before}    ${text}`;
    },
    end: () => (isStarted ? "\n  ]\n}\n" : "{}\n"),
  };
}

function createYamlPrinter(): SnapshotPrinter {
  let isStarted = false;
  return {
    print(cluster) {
      const text = formatYaml({ clusters: [plainCluster(cluster)] });
      const entry = isStarted ? text.slice(text.indexOf("\n") + 1) : text;
      isStarted = true;
      return entry;
    },
    end: () => (isStarted ? "" : "{}\n"),
  };
}

/** A row for each affiliate. */
function createTablePrinter(isWide: boolean, style: Style): SnapshotPrinter {
  const layout = new TableLayout();
  let header: string[] | undefined = [
    ...["CLUSTER", "AFFILIATE", "TTL", "DATA", "ENDPOINTS"],
    ...(isWide ? ["ENDPOINT TTLS"] : []),
  ];

  function format(rows: string[][]): string {
    const heading = header;
    header = undefined;
    return heading === undefined ? layout.format(rows) : formatTable(heading, rows, style, layout);
  }

  return {
    print: ({ id, affiliates }) =>
      format(
        affiliates.map((affiliate) =>
          [
            id,
            affiliate.id,
            timeLeft(affiliate),
            `${affiliate.data.length} B`,
            String(affiliate.endpoints.length),
            ...(isWide ? [affiliate.endpoints.map(timeLeft).join(",")] : []),
          ].map(printable),
        ),
      ),
    end: () => (header === undefined ? "" : format([])),
  };
}

interface Kept {
  readonly ttl?: Duration | undefined;
  readonly expiration?: Timestamp | undefined;
}

/** The remaining time; the instant in an older file. */
function timeLeft({ ttl, expiration }: Kept): string {
  if (ttl !== undefined) return durationText(ttl);
  return expiration === undefined ? "-" : timestampText(expiration);
}

/**
 * Keys in the order of the reference's decoder. What is empty is left out, as in JSON of protobuf.
 */
function plainCluster({ id, affiliates }: ClusterSnapshot): object {
  return {
    ...(id !== "" && { id }),
    ...(affiliates.length > 0 && { affiliates: affiliates.map(plainAffiliate) }),
  };
}

function plainAffiliate({ id, endpoints, ...kept }: AffiliateSnapshot): object {
  return {
    ...(id !== "" && { id }),
    ...plainKept(kept),
    ...(endpoints.length > 0 && { endpoints: endpoints.map(plainKept) }),
  };
}

function plainKept({ data, ttl, expiration }: Kept & { readonly data: Uint8Array }): object {
  return {
    ...(expiration !== undefined && { expiration: timestampText(expiration) }),
    ...(ttl !== undefined && { ttl: durationText(ttl) }),
    ...(data.length > 0 && { data: Buffer.from(data).toString("base64") }),
  };
}

function durationText(ttl: Duration): string {
  return toJson(DurationSchema, ttl) as string;
}

function timestampText(instant: Timestamp): string {
  return toJson(TimestampSchema, instant) as string;
}
