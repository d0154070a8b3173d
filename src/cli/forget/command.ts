/**
 * `forget`: takes a dead node off every service at once, instead of waiting until it expires.
 * @module
 */

import { quote } from "../../net/quote.ts";
import { addClusterFlags, readClusterAccess } from "../cluster/cluster-access.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { CommandFailure, EXIT_FAILED, EXIT_OK, type ExitCode, UsageError } from "../exit.ts";
import { parseDelay, parseTimeout } from "../flags/flag-values.ts";
import { flag } from "../flags/flags.ts";
import { type CliIo, writeNotice } from "../io.ts";
import { formatDocument } from "../output/documents.ts";
import { formatFlag, readFormat } from "../output/formats.ts";
import { chooseStyle, type Style } from "../output/style.ts";
import { formatTable } from "../output/table.ts";
import { chooseNode, type NodeChoice } from "./node-choice.ts";
import {
  type ForgetOutcome,
  forgetAt,
  listCopies,
  openableCluster,
  type ServiceListing,
} from "./service-copies.ts";

const FORMATS = ["table", "json", "yaml"] as const;

type FoundNode = Extract<NodeChoice, { readonly kind: "found" }>;

/** Adds `forget`. */
export const addForgetCommand: AddCommand = (parent, action) => {
  const command = parent
    .command("forget")
    .description("Delete a dead node from every discovery service, after asking.")
    .argument("<node>", "a member's name, or a node ID")
    .addOption(flag("-y, --yes", "do not ask"))
    .addOption(flag("--force", "also a node ID whose data does not open with the secret"))
    .addOption(flag("--wait <duration>", "watch for so long whether the node comes back", "0"))
    .addOption(flag("--timeout <duration>", "how long to wait for each answer", "10s"))
    .addOption(formatFlag(FORMATS));
  addClusterFlags(command)
    .addHelpText(
      "after",
      examples(
        "talos-discovery forget worker-3 --config cluster.yaml",
        "talos-discovery forget worker-3 --yes --wait 16m --config cluster.yaml",
      ) +
        "\nA node that is alive publishes itself again, at the latest after half its TTL: 15 minutes. Only discovery\n" +
        "services are told: the Node object of Kubernetes is deleted by `kubectl delete node`, and the etcd member of\n" +
        "a control plane node by `talosctl etcd remove-member`. Exit code 1 where the node is not gone everywhere.",
    )
    .action(action(runForget));
};

async function runForget({ flags, args: [node = ""], io }: Invocation): Promise<ExitCode> {
  const format = readFormat(flags, FORMATS);
  const calls = { signal: io.signal, timeoutMs: flags.requiredParsed("timeout", parseTimeout) };
  const waitMs = flags.requiredParsed("wait", parseDelay);
  const access = await readClusterAccess(flags, io);
  const cluster = openableCluster(access);
  const listings = await Promise.all(
    access.services.map((service) => listCopies(cluster, service, calls)),
  );
  for (const listing of listings) {
    if ("failure" in listing) writeNotice(io, listing.failure);
  }
  const found = requireOne(listings, node, io);
  if (!flags.isOn("force") && found.copies.every(({ spec }) => spec === undefined)) {
    throw new CommandFailure(
      `${quote(node)} does not open with this secret, so it may be another cluster's; --force deletes it all the same`,
    );
  }
  showCopies(found.copies, io);
  if (!flags.isOn("yes")) await confirm(found, io);
  if (waitMs > 0) {
    const wait = flags.requiredText("wait");
    writeNotice(io, `deleting, then watching for ${wait} whether the node comes back`);
  }

  const holders = new Set(found.copies.map(({ service }) => service));
  const outcomes = await Promise.all(
    listings.map(async (listing): Promise<ForgetOutcome> => {
      const { service } = listing;
      if ("failure" in listing) return { service, result: "failed", error: listing.failure };
      if (!holders.has(service)) return { service, result: "absent" };
      return forgetAt(cluster, service, found.nodeId, { ...calls, waitMs });
    }),
  );
  io.stdout.write(formatOutcomes(found, outcomes, format, chooseStyle(io.stdout, io.env)));
  return conclude(found, outcomes, access.kubeconfig !== undefined, io);
}

/** @throws {CommandFailure} unless the name leads to exactly one node. */
function requireOne(listings: readonly ServiceListing[], node: string, io: CliIo): FoundNode {
  const failures = listings.filter((listing) => "failure" in listing).length;
  if (failures === listings.length) {
    throw new CommandFailure(failures === 1 ? "the service did not answer" : "no service answered");
  }
  const choice = chooseNode(listings, node);
  switch (choice.kind) {
    case "found":
      return choice;
    case "ambiguous":
      showCopies(choice.copies, io);
      throw new CommandFailure(`several nodes are called ${quote(node)}: give the ID of one`);
    case "unknown":
      throw new CommandFailure(`node ${quote(node)}: not found${whyUnknown(choice)}`);
  }
}

function whyUnknown(choice: Extract<NodeChoice, { readonly kind: "unknown" }>): string {
  const { close, unopened, known } = choice;
  if (close.length > 0) return `; there is ${close.map(quote).join(", ")}`;
  if (known === 0) return ": the cluster has no nodes on these services";
  if (unopened === known) return ": nothing opens with this secret, is it this cluster's?";
  return unopened > 0 ? `; ${unopened} did not open with this secret, and have only IDs` : "";
}

/** Part of the talk with the user, not of the result. */
function showCopies(copies: FoundNode["copies"], io: CliIo): void {
  io.stderr.write(formatCopies(copies, chooseStyle(io.stderr, io.env)));
}

/**
 * @throws {UsageError} where there is nobody to ask.
 * @throws {CommandFailure} for any answer but yes.
 */
async function confirm({ name, nodeId, copies }: FoundNode, io: CliIo): Promise<void> {
  if (io.ask === undefined) {
    throw new UsageError("--yes is missing, and without a terminal there is nobody to ask");
  }
  const where = copies.length === 1 ? "this service" : `these ${copies.length} services`;
  const answer = await io.ask(`Forget ${quote(name || nodeId)} on ${where}? [y/N] `);
  if (!/^y(es)?$/i.test(answer?.trim() ?? "")) throw new CommandFailure("nothing was deleted");
}

function conclude(
  { name, nodeId }: FoundNode,
  outcomes: readonly ForgetOutcome[],
  asksKubernetes: boolean,
  io: CliIo,
): ExitCode {
  const of = (...results: readonly ForgetOutcome["result"][]) =>
    outcomes.filter(({ result }) => results.includes(result)).map(({ service }) => service.name);
  const shown = quote(name || nodeId);
  const back = of("came back");
  const listed = of("still there");
  const failed = of("failed");
  const unseen = outcomes.filter(({ result, error }) => result === "forgotten" && error);
  if (back.length > 0) {
    writeNotice(io, `${shown} came back on ${back.join(", ")}: it is alive; stop it first`);
  }
  if (listed.length > 0) {
    writeNotice(io, `${shown} is still listed by ${listed.join(", ")}: is it alive?`);
  }
  if (failed.length > 0) writeNotice(io, `${shown} may still be known to ${failed.join(", ")}`);
  if (back.length + listed.length + failed.length + unseen.length > 0) return EXIT_FAILED;
  if (asksKubernetes) {
    writeNotice(io, "Kubernetes is not touched: kubectl delete node deletes the Node object");
  }
  return EXIT_OK;
}

/** A row for each copy. */
function formatCopies(copies: FoundNode["copies"], style: Style): string {
  const rows = copies.map(({ service, nodeId, spec }) => [
    service.name,
    nodeId,
    ...(spec === undefined
      ? ["-", "-", "-", "(nothing that opens)"]
      : [spec.nodename, spec.hostname, spec.machineType, JSON.stringify(spec.addresses)]),
  ]);
  return formatTable(
    ["SERVICE", "ID", "NODENAME", "HOSTNAME", "MACHINE TYPE", "ADDRESSES"],
    rows,
    style,
  );
}

/** A row for each service, or one object. */
function formatOutcomes(
  { nodeId, name }: FoundNode,
  outcomes: readonly ForgetOutcome[],
  format: (typeof FORMATS)[number],
  style: Style,
): string {
  if (format === "table") {
    const rows = outcomes.map(({ service, result, error }) => [
      service.name,
      nodeId,
      error === undefined ? result : `${result}: ${error}`,
    ]);
    return formatTable(["SERVICE", "ID", "RESULT"], rows, style);
  }
  const value = {
    nodeId,
    nodename: name,
    services: outcomes.map(({ service, result, error }) => ({
      name: service.name,
      url: service.url,
      result,
      ...(error !== undefined && { error }),
    })),
  };
  return formatDocument(value, format);
}
