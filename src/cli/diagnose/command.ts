/**
 * `diagnose`: what is wrong between this machine and a cluster's discovery services, and what to do
 * about it.
 * @module
 */
import {
  addClusterFlags,
  type ClusterService,
  readClusterAccess,
} from "../cluster/cluster-access.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { CommandFailure, EXIT_FAILED, EXIT_OK, type ExitCode, UsageError } from "../exit.ts";
import { parseTimeout } from "../flags/flag-values.ts";
import { type Flags, flag } from "../flags/flags.ts";
import type { CliIo } from "../io.ts";
import { formatJson } from "../output/documents.ts";
import { formatFlag, readFormat } from "../output/formats.ts";
import { chooseStyle } from "../output/style.ts";
import type { DiagnoseOptions } from "./check.ts";
import { diagnoseService, type ServiceDiagnosis } from "./diagnose-service.ts";
import { diagnoseNode } from "./node-finding.ts";
import {
  type Diagnosis,
  diagnosisDocument,
  diagnosisStatus,
  ReportLines,
  summaryLine,
} from "./report.ts";

const FORMATS = ["table", "json"] as const;

/** Flags of a cluster that name other registries, at which nothing is looked here. */
const OTHER_REGISTRIES: readonly string[] = ["kubeconfig", "static"];

/** Adds `diagnose`. */
export const addDiagnoseCommand: AddCommand = (parent, action) => {
  const command = parent
    .command("diagnose")
    .description(
      "Check the way to each discovery service, and what it has of the cluster. Publishes nothing. " +
        "Exits with 1 when a check failed.",
    )
    .addOption(flag("--node <name>", "why not this node? A node ID, node name or hostname"))
    .addOption(flag("--timeout <duration>", "how long each check may take", "10s"))
    .addOption(formatFlag(FORMATS));
  addClusterFlags(command)
    .addHelpText(
      "after",
      examples(
        "talos-discovery diagnose",
        "talos-discovery diagnose --config cluster.yaml",
        "talos-discovery diagnose --service http://127.0.0.1:3000 --cluster-secret-file cluster.yaml -o json",
        "talos-discovery diagnose --config cluster.yaml --node worker-1",
      ),
    )
    .action(action(runDiagnose));
  for (const option of command.options) {
    if (OTHER_REGISTRIES.includes(option.name())) option.hideHelp();
  }
};

async function runDiagnose({ flags, io }: Invocation): Promise<ExitCode> {
  const format = readFormat(flags, FORMATS);
  const timeoutMs = flags.requiredParsed("timeout", parseTimeout);
  refuseOtherRegistries(flags);
  const access = await readClusterAccess(flags, io, { isPartial: true });
  if (access.services.length === 0) {
    throw new UsageError("there is no discovery service to look at: --service names one");
  }
  const node = flags.text("node");
  const isNamed = access.clusterId !== undefined && access.clusterSecret !== undefined;
  if (node !== undefined && !isNamed) {
    throw new UsageError("--node: needs the cluster's ID and secret, as --config has them");
  }
  const options: DiagnoseOptions = { ...access, env: io.env, timeoutMs, signal: io.signal };
  const diagnosis =
    format === "json"
      ? await diagnoseAll(access.services, node, options)
      : await printAsFound(access.services, node, options, io);
  if (format === "json") io.stdout.write(formatJson(diagnosisDocument(diagnosis)));
  return diagnosisStatus(diagnosis) === "failed" ? EXIT_FAILED : EXIT_OK;
}

/** Lines as checks end: somebody waits for them. */
async function printAsFound(
  services: readonly ClusterService[],
  node: string | undefined,
  options: DiagnoseOptions,
  io: CliIo,
): Promise<Diagnosis> {
  const columns = io.stdout.isTerminal ? io.stdout.columns : undefined;
  const lines = new ReportLines(chooseStyle(io.stdout, io.env), columns);
  const diagnosis = await diagnoseAll(services, node, {
    ...options,
    onService: (service) => io.stdout.write(lines.flush() + lines.service(service)),
    onCheck: (report, url) => io.stdout.write(lines.check(report, url)),
  });
  io.stdout.write(lines.flush());
  if (diagnosis.node !== undefined) io.stdout.write(lines.node(diagnosis.node));
  io.stdout.write(lines.summary(summaryLine(diagnosis)));
  return diagnosis;
}

interface DiagnoseAllOptions extends DiagnoseOptions {
  readonly onService?: (service: ClusterService) => void;
}

async function diagnoseAll(
  services: readonly ClusterService[],
  node: string | undefined,
  options: DiagnoseAllOptions,
): Promise<Diagnosis> {
  const diagnosed: ServiceDiagnosis[] = [];
  try {
    for (const service of services) {
      options.onService?.(service);
      diagnosed.push(await diagnoseService(service, options));
    }
  } catch (error) {
    if (options.signal.aborted) throw new CommandFailure("interrupted");
    throw error;
  }
  if (node === undefined) return { services: diagnosed };
  return { services: diagnosed, node: diagnoseNode(node, diagnosed) };
}

/** Whoever names them expects them to be looked at. */
function refuseOtherRegistries(flags: Flags): void {
  for (const name of OTHER_REGISTRIES) {
    if (flags.isGiven(name)) throw new UsageError(`--${name}: only services are looked at`);
  }
}
