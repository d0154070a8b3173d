/**
 * `cluster new`: what a new cluster needs to meet: its ID, and its secret.
 * @module
 */
import { generateClusterId, generateClusterSecret } from "../../crypto/index.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { EXIT_OK, type ExitCode } from "../exit.ts";
import { flag } from "../flags/flags.ts";
import { writeSecretFile } from "../input-file.ts";
import { writeNotice } from "../io.ts";
import { formatDocument } from "../output/documents.ts";
import { formatFlag, readFormat } from "../output/formats.ts";

const FORMATS = ["yaml", "json"] as const;

/** Adds `cluster`. */
export const addClusterCommand: AddCommand = (parent, action) => {
  const cluster = parent.command("cluster").description("Make a cluster's ID and secret.");
  cluster
    .command("new")
    .description("Make the ID and the secret of a new cluster, as a Talos configuration document.")
    .addOption(flag("--out <file>", "write to a new file that only you can read"))
    .addOption(formatFlag(FORMATS))
    .addHelpText(
      "after",
      examples(
        "talos-discovery cluster new --out cluster.yaml",
        "talos-discovery cluster new -o json",
      ) +
        "\nThe file is what --cluster-secret-file of the other commands takes. Whoever has the secret can read\n" +
        "and write what the members tell each other; keep it out of arguments and logs.",
    )
    .action(action(runNew));
};

async function runNew({ flags, io }: Invocation): Promise<ExitCode> {
  const format = readFormat(flags, FORMATS);
  const path = flags.text("out");
  const identity = {
    apiVersion: "v1alpha1",
    kind: "DiscoveryIdentityConfig",
    clusterID: generateClusterId(),
    clusterSecret: generateClusterSecret(),
  };
  const text = formatDocument(identity, format);
  if (path === undefined) {
    io.stdout.write(text);
    return EXIT_OK;
  }
  await writeSecretFile(path, text);
  writeNotice(io, `wrote ${path}, which holds the secret; the cluster's ID:`);
  io.stdout.write(`${identity.clusterID}\n`);
  return EXIT_OK;
}
