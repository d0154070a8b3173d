/**
 * `get`: lists what the nodes of a cluster know of each other, without taking part.
 * @module
 */

import { quote } from "../../net/quote.ts";
import { DEFINITIONS, findDefinition, type KnownDefinition } from "../../resources/index.ts";
import { addClusterFlags } from "../cluster/cluster-access.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { CommandFailure, EXIT_OK, type ExitCode, UsageError } from "../exit.ts";
import { parseTimeout } from "../flags/flag-values.ts";
import { type Flags, flag } from "../flags/flags.ts";
import { writeNotice } from "../io.ts";
import { parseResourceFormat, RESOURCE_FORMATS, type ResourceFormat } from "../output/formats.ts";
import { createPrinter } from "../output/printer.ts";
import { chooseStyle } from "../output/style.ts";
import { createWatchView } from "../output/watch-view.ts";
import type { Listing } from "./listing.ts";
import { LISTINGS, type ListedKind } from "./listings.ts";

const DEFAULT_INTERFACE = "kubespan";

const RESOURCE_NAMES = [...new Set(DEFINITIONS.map(({ names }) => names[0]))].join(", ");

/** Adds `get`. */
export const addGetCommand: AddCommand = (parent, action) => {
  const command = parent
    .command("get")
    .description("List members, affiliates and what else a node knows of its cluster.")
    .argument("<resource>", `${RESOURCE_NAMES}; singular, initials and full types work too`)
    .argument("[id]", "only this one: a node name for members, a node ID for affiliates")
    .addOption(flag("-o, --output <format>", RESOURCE_FORMATS, "table"))
    .addOption(flag("-w, --watch", "go on, and show each change until interrupted"))
    .addOption(
      flag("--namespace <name>", "cluster-raw: affiliates as each registry has them, unmerged"),
    )
    .addOption(flag("--timeout <duration>", "how long to wait for an answer", "10s"))
    .addOption(
      flag("--identity <file>", "node identity file: for identities, and whose peers to list"),
    )
    .addOption(flag("--kubespan-identity <file>", "KubeSpan identity file, for kubespanidentities"))
    .addOption(
      flag(
        "--interface <name>",
        "WireGuard interface on this machine, for kubespanpeerstatuses and kubespanendpoints",
        DEFAULT_INTERFACE,
      ),
    );
  addClusterFlags(command)
    .addHelpText(
      "after",
      examples(
        "talos-discovery get members --config cluster.yaml",
        "talos-discovery get member talos-default-worker-1 -o yaml --config cluster.yaml",
        "talos-discovery get affiliates --namespace cluster-raw --config cluster.yaml --kubeconfig kubeconfig",
        "talos-discovery get affiliates -w --service http://127.0.0.1:3000 --cluster-secret-file -",
        "talos-discovery get kubespanpeerspecs -o jsonpath='{.spec.allowedIps}' --config cluster.yaml",
        "talos-discovery get identities --identity node-identity.yaml",
      ),
    )
    .action(action(runGet));
};

/** How to show what is listed. */
interface Presentation {
  readonly format: ResourceFormat;
  readonly isWatch: boolean;
  readonly timeoutMs: number;
}

async function runGet(invocation: Invocation): Promise<ExitCode> {
  const { flags } = invocation;
  const definition = chooseDefinition(invocation);
  const kind = LISTINGS.get(definition);
  if (kind === undefined) throw new TypeError(`definition: ${definition.type} has no listing`);
  refuseOtherKindsFlags(kind, flags);
  // Looked at before files and the network: a wrong format should not cost a round trip.
  const presentation = readPresentation(flags);
  return kind.list(invocation, (listing) => show(listing, presentation, invocation));
}

function readPresentation(flags: Flags): Presentation {
  const isWatch = flags.isOn("watch");
  if (isWatch && flags.isGiven("timeout")) throw new UsageError("--timeout: not with --watch");
  return {
    format: flags.requiredParsed("output", parseResourceFormat),
    isWatch,
    timeoutMs: flags.requiredParsed("timeout", parseTimeout),
  };
}

function chooseDefinition({ flags, args: [name = ""] }: Invocation): KnownDefinition {
  const usual = findDefinition(name);
  if (usual === undefined) {
    throw new UsageError(`resource ${quote(name)}: is none of ${RESOURCE_NAMES}`);
  }
  const namespace = flags.text("namespace");
  const definition = findDefinition(name, namespace);
  if (definition !== undefined) return definition;
  const namespaces = DEFINITIONS.filter(({ type }) => type === usual.type).map(
    (other) => other.namespace,
  );
  throw new UsageError(
    `${flags.origin("namespace")}: ${usual.names[0]} are in ${namespaces.join(" and ")}, not in ${quote(namespace ?? "")}`,
  );
}

/**
 * @throws {UsageError} for a flag on the command line that means something to other kinds alone.
 */
function refuseOtherKindsFlags(kind: ListedKind, flags: Flags): void {
  const special = new Set([...LISTINGS.values()].flatMap((listed) => listed.flags));
  for (const name of special) {
    if (!flags.isGiven(name) || kind.flags.includes(name)) continue;
    const users = [...LISTINGS].filter(([, listed]) => listed.flags.includes(name));
    throw new UsageError(`--${name}: only for ${users.map(([{ names }]) => names[0]).join(", ")}`);
  }
}

function show<Spec extends object>(
  listing: Listing<Spec>,
  presentation: Presentation,
  invocation: Invocation,
): Promise<ExitCode> {
  // From the environment it is meant for what changes.
  const isWatch =
    presentation.isWatch && (listing.watch !== undefined || invocation.flags.isGiven("watch"));
  return isWatch
    ? showChanges(listing, presentation, invocation)
    : printOnce(listing, presentation, invocation);
}

async function printOnce<Spec extends object>(
  { definition, node, read }: Listing<Spec>,
  { format, timeoutMs }: Presentation,
  { args: [, id], io }: Invocation,
): Promise<ExitCode> {
  const style = chooseStyle(io.stdout, io.env);
  const printer = createPrinter(format, definition, { node, withEvents: false, style });
  const onNotice = (line: string) => writeNotice(io, line);
  const all = await read({ signal: io.signal, timeoutMs, onNotice });
  const resources = all.filter(({ metadata }) => id === undefined || metadata.id === id);
  if (id !== undefined && resources.length === 0) {
    throw new CommandFailure(`${definition.names[0]} ${quote(id)}: not found`);
  }
  io.stdout.write(printer.print(resources.map((resource) => ({ event: "created", resource }))));
  return EXIT_OK;
}

async function showChanges<Spec extends object>(
  { definition, node, watch }: Listing<Spec>,
  { format }: Presentation,
  { args: [, id], io }: Invocation,
): Promise<ExitCode> {
  const [name] = definition.names;
  if (watch === undefined) throw new UsageError(`--watch: ${name} do not change`);
  const view = createWatchView(format, definition, { node, io });
  const onNotice = (line: string) => view.notice(line);
  let isListed = false;
  try {
    for await (const all of watch({ signal: io.signal, onNotice })) {
      const events = all.filter(({ resource }) => id === undefined || resource.metadata.id === id);
      view.show(events);
      if (!isListed && events.length === 0) view.notice(`no ${name} yet`);
      isListed = true;
    }
  } finally {
    view.close();
  }
  return EXIT_OK;
}
