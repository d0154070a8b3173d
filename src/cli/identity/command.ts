/**
 * `identity new` and `identity show`: who a node is, for as long as it lives, to discovery and in
 * the KubeSpan mesh.
 * @module
 */
import type { Command } from "commander";
import { generateNodeId, machineId } from "../../identity/index.ts";
import type { KubeSpanIdentity } from "../../kubespan/index.ts";
import {
  createKubeSpanIdentity,
  createNodeIdentity,
  loadKubeSpanIdentity,
  loadNodeIdentity,
} from "../../node/index.ts";
import { addClusterIdentityFlags, readClusterIdentity } from "../cluster/cluster-identity.ts";
import { firstMac } from "../cluster/kubespan.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { EXIT_OK, type ExitCode } from "../exit.ts";
import { type Flags, flag } from "../flags/flags.ts";
import { type CliIo, writeNotice } from "../io.ts";
import { formatDocument } from "../output/documents.ts";
import { formatFlag, readFormat } from "../output/formats.ts";
import { chooseStyle } from "../output/style.ts";
import { formatTable } from "../output/table.ts";

const FORMATS = ["table", "json", "yaml"] as const;

type Format = (typeof FORMATS)[number];

/** What is about the mesh alone: a node identity is that of a machine, in whatever cluster. */
const KUBESPAN_FLAGS = ["mac", "config", "cluster-id", "cluster-secret-file"];

/** Adds `identity`. */
export const addIdentityCommand: AddCommand = (parent, action) => {
  const identity = parent.command("identity").description("Make and show node identities.");
  const create = identity
    .command("new")
    .description(
      "Make a node identity: 32 random bytes, as Talos keeps them in node-identity.yaml. With --kubespan, a WireGuard " +
        "key and an address in the cluster's mesh, as in kubespan-identity.yaml.",
    )
    .addOption(flag("--out <file>", "write to a new file that only you can read"))
    .addOption(flag("--kubespan", "an identity in the KubeSpan mesh of a cluster"))
    .addOption(
      flag("--mac <address>", "with --kubespan: the network card (default: this machine's first)"),
    );
  addClusterIdentityFlags(create);
  addFormatFlag(create)
    .addHelpText(
      "after",
      examples(
        "talos-discovery identity new --out node-identity.yaml",
        "talos-discovery identity new --kubespan --config cluster.yaml --out kubespan-identity.yaml",
      ),
    )
    .action(action(runNew));
  const show = identity
    .command("show")
    .description(
      "Show the node ID and the machine ID of an identity file; with --kubespan, its address and public key.",
    )
    .argument("<file>", "an identity file, such as Talos' node-identity.yaml")
    .addOption(flag("--kubespan", "the file is a kubespan-identity.yaml"));
  addFormatFlag(show)
    .addHelpText(
      "after",
      examples(
        "talos-discovery identity show node-identity.yaml -o json",
        "talos-discovery identity show --kubespan kubespan-identity.yaml",
      ),
    )
    .action(action(runShow));
};

function addFormatFlag(command: Command): Command {
  return command.addOption(formatFlag(FORMATS));
}

async function runNew({ flags, io }: Invocation): Promise<ExitCode> {
  flags.refuseWithout("kubespan", KUBESPAN_FLAGS);
  const format = readFormat(flags, FORMATS);
  const path = flags.text("out");
  if (flags.isOn("kubespan")) {
    // Its private key is not for a terminal.
    const out = flags.requiredText("out");
    const identity = await createKubeSpanIdentity(out, await readPlace(flags, io));
    writeNotice(io, `wrote ${out}`);
    showKubeSpanIdentity(identity, format, io);
  } else if (path === undefined) {
    showNodeIdentity(generateNodeId(), format, io);
  } else {
    const { nodeId } = await createNodeIdentity(path);
    writeNotice(io, `wrote ${path}`);
    showNodeIdentity(nodeId, format, io);
  }
  return EXIT_OK;
}

async function runShow({ flags, args: [path = ""], io }: Invocation): Promise<ExitCode> {
  const format = readFormat(flags, FORMATS);
  if (flags.isOn("kubespan"))
    showKubeSpanIdentity(await loadKubeSpanIdentity(path, io), format, io);
  else showNodeIdentity((await loadNodeIdentity(path, io)).nodeId, format, io);
  return EXIT_OK;
}

async function readPlace(flags: Flags, io: CliIo): Promise<{ clusterId: string; mac: string }> {
  const { clusterId = flags.requiredText("cluster-id") } = await readClusterIdentity(flags, io);
  return { clusterId, mac: flags.text("mac") ?? firstMac() };
}

function showNodeIdentity(nodeId: string, format: Format, io: CliIo): void {
  const identity = { nodeId, machineId: machineId(nodeId) };
  show(identity, ["NODE ID", "MACHINE ID"], format, io);
}

function showKubeSpanIdentity(identity: KubeSpanIdentity, format: Format, io: CliIo): void {
  const { address, subnet, publicKey } = identity;
  show({ address, subnet, publicKey }, ["ADDRESS", "SUBNET", "PUBLICKEY"], format, io);
}

/** @param titles - Columns of a table, in the order of the keys. */
function show(
  identity: Readonly<Record<string, string>>,
  titles: readonly string[],
  format: Format,
  io: CliIo,
): void {
  io.stdout.write(
    format === "table"
      ? formatTable(titles, [Object.values(identity)], chooseStyle(io.stdout, io.env))
      : formatDocument(identity, format),
  );
}
