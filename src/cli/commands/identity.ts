/**
 * `identity new` and `identity show`: who a node is, for as long as it lives.
 * @module
 */
import { generateNodeId, machineId } from "../../identity/index.ts";
import { createNodeIdentity, loadNodeIdentity } from "../../node/index.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { EXIT_OK, type ExitCode } from "../exit.ts";
import { choiceOf } from "../flag-values.ts";
import { flag } from "../flags.ts";
import { type CliIo, writeNotice } from "../io.ts";
import { formatJson } from "../output/json.ts";
import { chooseStyle } from "../output/style.ts";
import { TableLayout } from "../output/table-layout.ts";
import { formatYaml } from "../output/yaml.ts";

const FORMATS = ["table", "json", "yaml"] as const;

/** Adds `identity`. */
export const addIdentityCommand: AddCommand = (parent, action) => {
  const identity = parent.command("identity").description("Make and show node identities.");
  identity
    .command("new")
    .description(
      "Make a node identity: 32 random bytes, as Talos keeps them in node-identity.yaml.",
    )
    .addOption(flag("--out <file>", "write to a new file that only you can read"))
    .addOption(flag("-o, --output <format>", FORMATS.join(", "), "table"))
    .addHelpText("after", examples("talos-discovery identity new --out node-identity.yaml"))
    .action(action(runNew));
  identity
    .command("show")
    .description("Show the node ID and the machine ID of an identity file.")
    .argument("<file>", "an identity file, such as Talos' node-identity.yaml")
    .addOption(flag("-o, --output <format>", FORMATS.join(", "), "table"))
    .addHelpText("after", examples("talos-discovery identity show node-identity.yaml -o json"))
    .action(action(runShow));
};

async function runNew({ flags, io }: Invocation): Promise<ExitCode> {
  const format = flags.parsed("output", choiceOf(FORMATS)) ?? "table";
  const path = flags.text("out");
  if (path === undefined) {
    showIdentity(generateNodeId(), format, io);
    return EXIT_OK;
  }
  const { nodeId } = await createNodeIdentity(path);
  writeNotice(io, `wrote ${path}`);
  showIdentity(nodeId, format, io);
  return EXIT_OK;
}

async function runShow({ flags, args: [path = ""], io }: Invocation): Promise<ExitCode> {
  const format = flags.parsed("output", choiceOf(FORMATS)) ?? "table";
  showIdentity((await loadNodeIdentity(path)).nodeId, format, io);
  return EXIT_OK;
}

function showIdentity(nodeId: string, format: (typeof FORMATS)[number], io: CliIo): void {
  const identity = { nodeId, machineId: machineId(nodeId) };
  switch (format) {
    case "json":
      io.stdout.write(formatJson(identity));
      break;
    case "yaml":
      io.stdout.write(formatYaml(identity));
      break;
    case "table": {
      const style = chooseStyle(io.stdout, io.env);
      const rows = [
        ["NODE ID", "MACHINE ID"],
        [identity.nodeId, identity.machineId],
      ];
      io.stdout.write(
        new TableLayout().format(rows, (line, row) => (row === 0 ? style.heading(line) : line)),
      );
      break;
    }
  }
}
