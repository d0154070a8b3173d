/**
 * `snapshot show`: what a service has saved.
 * @module
 */
import { isDiscoveryError } from "../../errors.ts";
import { readSnapshotFile } from "../../node/index.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { CommandFailure, EXIT_OK, type ExitCode, oneLine } from "../exit.ts";
import { formatFlag, OUTPUT_FORMATS, readFormat } from "../output/formats.ts";
import { chooseStyle } from "../output/style.ts";
import { counted } from "../text.ts";
import { createSnapshotPrinter } from "./snapshot-listing.ts";

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
    for await (const { cluster } of readSnapshotFile(path)) {
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
    throw new CommandFailure(
      `${oneLine(error)}; shown is what comes before: ${counted(clusters, "cluster")}`,
    );
  }
  io.stdout.write(printer.end());
  return EXIT_OK;
}
