/**
 * `get`: lists what the nodes of a cluster know of each other, without taking part.
 * @module
 */
import { loadNodeIdentity } from "../../node/index.ts";
import {
  AFFILIATES,
  IDENTITIES,
  LOCAL_IDENTITY_ID,
  MEMBERS,
  type ResourceDefinition,
  ResourceView,
} from "../../resources/index.ts";
import { addClusterFlags, type ClusterAccess, readClusterAccess } from "../cluster-access.ts";
import { readClusterOnce, watchCluster } from "../cluster-reading.ts";
import {
  AFFILIATE_LISTING,
  type ClusterListing,
  ClusterView,
  MEMBER_LISTING,
} from "../cluster-view.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { DropSummary } from "../drop-summary.ts";
import { CommandFailure, EXIT_OK, type ExitCode, oneLine, UsageError } from "../exit.ts";
import { parseTimeout, quoted } from "../flag-values.ts";
import { flag } from "../flags.ts";
import { writeNotice } from "../io.ts";
import {
  createPrinter,
  parseResourceFormat,
  RESOURCE_FORMATS,
  type ResourcePrinter,
} from "../output/printer.ts";
import { chooseStyle } from "../output/style.ts";
import { createWatchView } from "../output/watch-view.ts";

/** Adds `get`. */
export const addGetCommand: AddCommand = (parent, action) => {
  const command = parent
    .command("get")
    .description("List members, affiliates, or this machine's identity.")
    .argument("<resource>", "members, affiliates or identities; singular and initials work too")
    .argument("[id]", "only this one: a node name for members, a node ID for affiliates")
    .addOption(flag("-o, --output <format>", RESOURCE_FORMATS, "table"))
    .addOption(flag("-w, --watch", "go on, and show each change until interrupted"))
    .addOption(flag("--timeout <duration>", "how long to wait for an answer", "10s"))
    .addOption(flag("--identity <file>", "node identity file, for identities"));
  addClusterFlags(command)
    .addHelpText(
      "after",
      examples(
        "talos-discovery get members --cluster-secret-file cluster.yaml",
        "talos-discovery get member talos-default-worker-1 -o yaml --cluster-secret-file cluster.yaml",
        "talos-discovery get affiliates -w --service http://127.0.0.1:3000 --cluster-secret-file -",
        "talos-discovery get identities --identity node-identity.yaml",
      ),
    )
    .action(action(runGet));
};

async function runGet(invocation: Invocation): Promise<ExitCode> {
  const [name = ""] = invocation.args;
  if (hasName(IDENTITIES, name)) return getIdentity(invocation);
  if (invocation.flags.isGiven("identity")) throw new UsageError("--identity: only for identities");
  if (hasName(MEMBERS, name)) return getFromCluster(MEMBER_LISTING, invocation);
  if (hasName(AFFILIATES, name)) return getFromCluster(AFFILIATE_LISTING, invocation);
  throw new UsageError(`resource ${quoted(name)}: is none of members, affiliates, identities`);
}

function hasName({ names, type }: { names: readonly string[]; type: string }, name: string) {
  const wanted = name.toLowerCase();
  return names.includes(wanted) || type.toLowerCase() === wanted;
}

async function getIdentity(invocation: Invocation): Promise<ExitCode> {
  const { flags, args, io } = invocation;
  if (flags.isGiven("watch")) throw new UsageError("--watch: an identity does not change");
  const printer = createListPrinter(IDENTITIES, "localhost", invocation);
  const { nodeId } = await loadNodeIdentity(flags.requiredText("identity"));
  const identities = new Map([[LOCAL_IDENTITY_ID, { nodeId }]]);
  const wanted = onlyWanted(identities, args[1]);
  if (wanted.size === 0) throw notFound(IDENTITIES, args[1]);
  io.stdout.write(printer.print(new ResourceView(IDENTITIES).replace(wanted)));
  return EXIT_OK;
}

async function getFromCluster<Spec extends object>(
  listing: ClusterListing<Spec>,
  invocation: Invocation,
): Promise<ExitCode> {
  const { flags, io } = invocation;
  const isWatch = flags.isOn("watch");
  if (isWatch && flags.isGiven("timeout")) throw new UsageError("--timeout: not with --watch");
  const timeoutMs = flags.parsed("timeout", parseTimeout) ?? 0;
  // Looked at before the network: a wrong format should not cost a round trip.
  createListPrinter(listing.definition, "", invocation);
  const access = await readClusterAccess(flags, io);
  return isWatch
    ? watchListing(listing, access, invocation)
    : printListing(listing, access, timeoutMs, invocation);
}

async function printListing<Spec extends object>(
  { definition, select }: ClusterListing<Spec>,
  access: ClusterAccess,
  timeoutMs: number,
  invocation: Invocation,
): Promise<ExitCode> {
  const {
    args: [, id],
    io,
  } = invocation;
  const printer = createListPrinter(definition, answeredBy(access), invocation);
  const drops = new DropSummary();
  const cluster = new ClusterView();
  cluster.apply(await readClusterOnce(access, { signal: io.signal, timeoutMs, onDrop: drops.add }));
  const dropped = drops.summary(cluster.affiliates.size);
  if (dropped !== undefined) {
    if (cluster.affiliates.size === 0) throw new CommandFailure(dropped);
    writeNotice(io, dropped);
  }
  const wanted = onlyWanted(select(cluster.affiliates), id);
  if (id !== undefined && wanted.size === 0) throw notFound(definition, id);
  io.stdout.write(printer.print(new ResourceView(definition).replace(wanted)));
  return EXIT_OK;
}

async function watchListing<Spec extends object>(
  { definition, select }: ClusterListing<Spec>,
  access: ClusterAccess,
  { flags, args: [, id], io }: Invocation,
): Promise<ExitCode> {
  const drops = new DropSummary();
  const cluster = new ClusterView();
  const resources = new ResourceView(definition, { now: Date.now });
  const format = flags.parsed("output", parseResourceFormat) ?? "table";
  const view = createWatchView(format, definition, {
    node: answeredBy(access),
    io,
  });
  let isListed = false;
  const changes = watchCluster(access, {
    signal: io.signal,
    onDrop: (report) => {
      const line = drops.add(report);
      if (isListed && line !== undefined) view.notice(line);
    },
    onRetry: (error, delayMs) =>
      view.notice(`${oneLine(error)}; again in ${(delayMs / 1000).toFixed(1)} s`),
  });
  try {
    for await (const change of changes) {
      cluster.apply(change);
      view.show(resources.replace(onlyWanted(select(cluster.affiliates), id)));
      if (isListed) continue;
      isListed = true;
      if (resources.list().length === 0) view.notice(`no ${definition.names[0]} yet`);
      const dropped = drops.summary(cluster.affiliates.size);
      if (dropped !== undefined) view.notice(dropped);
    }
  } finally {
    view.close();
  }
  return EXIT_OK;
}

/** Who is named as the one that answered, as Talos names the node. */
function answeredBy({ services }: ClusterAccess): string {
  return services[0]?.host ?? "";
}

function createListPrinter<Spec extends object>(
  definition: ResourceDefinition<Spec>,
  node: string,
  { flags, io }: Invocation,
): ResourcePrinter<Spec> {
  return createPrinter(flags.parsed("output", parseResourceFormat) ?? "table", definition, {
    node,
    withEvents: false,
    style: chooseStyle(io.stdout, io.env),
  });
}

function onlyWanted<Spec>(
  specs: ReadonlyMap<string, Spec>,
  id: string | undefined,
): ReadonlyMap<string, Spec> {
  if (id === undefined) return specs;
  const spec = specs.get(id);
  return spec === undefined ? new Map() : new Map([[id, spec]]);
}

function notFound({ names: [name] }: { names: readonly string[] }, id = ""): CommandFailure {
  return new CommandFailure(`${name} ${quoted(id)}: not found`);
}
