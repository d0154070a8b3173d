/**
 * `join`: makes this machine known to a cluster for as long as the command runs, and shows who else is there.
 * @module
 */
import { DiscoveryClient } from "../../client/index.ts";
import { isDiscoveryError } from "../../errors.ts";
import { generateNodeId } from "../../identity/index.ts";
import { createNodeIdentity, loadNodeIdentity } from "../../node/index.ts";
import { MAX_TTL_MS } from "../../protocol/limits.ts";
import { createAffiliateSpec, MEMBERS, ResourceView } from "../../resources/index.ts";
import { addClusterFlags, readClusterAccess } from "../cluster-access.ts";
import { firstService } from "../cluster-reading.ts";
import { ClusterView, MEMBER_LISTING } from "../cluster-view.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { DropSummary } from "../drop-summary.ts";
import { EXIT_FAILED, EXIT_OK, type ExitCode, oneLine, UsageError } from "../exit.ts";
import { parseDuration, quoted } from "../flag-values.ts";
import { type Flags, flag } from "../flags.ts";
import { type CliIo, writeNotice } from "../io.ts";
import { createPrinter, parseResourceFormat, RESOURCE_FORMATS } from "../output/printer.ts";
import { chooseStyle } from "../output/style.ts";
import { addOwnAffiliateFlags, describeOwnAffiliate, type OwnAffiliate } from "../own-affiliate.ts";
import { CLIENT_VERSION } from "../version.ts";

/** How long to try to tell the service that we leave. */
const LEAVE_TIMEOUT_MS = 3000;

/** A service counts in whole seconds where it keeps a snapshot. */
const MIN_TTL_MS = 1000;

/** Adds `join`. */
export const addJoinCommand: AddCommand = (parent, action) => {
  const command = parent
    .command("join")
    .description(
      "Publish this machine, keep it registered, show the members, leave on SIGINT or SIGTERM.",
    );
  addOwnAffiliateFlags(command)
    .addOption(
      flag(
        "--identity <file>",
        "node identity, made where absent (default: a new one for each run)",
      ),
    )
    .addOption(
      flag("--ttl <duration>", "how long a service keeps it unrefreshed, at most 30m", "30m"),
    )
    .addOption(flag("-o, --output <format>", RESOURCE_FORMATS, "table"));
  addClusterFlags(command)
    .addHelpText(
      "after",
      examples(
        "talos-discovery join --cluster-secret-file cluster.yaml --identity node-identity.yaml",
        "talos-discovery join --service http://127.0.0.1:3000 --nodename worker-1 --address 10.0.0.1",
        "talos-discovery join --type controlplane --control-plane-port 6443 --endpoint 10.0.0.1:51820",
      ),
    )
    .action(action(runJoin));
};

async function runJoin({ flags, io }: Invocation): Promise<ExitCode> {
  const format = flags.parsed("output", parseResourceFormat) ?? "table";
  const ttlMs = flags.parsed("ttl", parseTtl);
  const access = await readClusterAccess(flags, io);
  const own = describeOwnAffiliate(flags);
  // Last, because it may make a file: not for a command that is wrong.
  const nodeId = await readIdentity(flags);
  const ended = new AbortController();
  const drops = new DropSummary();
  const client = new DiscoveryClient({
    ...firstService(access),
    nodeId,
    ttlMs,
    clientVersion: CLIENT_VERSION,
    onDrop: (report) => {
      const line = drops.add(report);
      if (line !== undefined) writeNotice(io, line);
    },
    onRetry: (error, delayMs) =>
      writeNotice(io, `${oneLine(error)}; again in ${(delayMs / 1000).toFixed(1)} s`),
  });
  publish(client, own);
  const printer = createPrinter(format, MEMBERS, {
    node: access.services[0]?.host ?? "",
    withEvents: true,
    style: chooseStyle(io.stdout, io.env),
  });
  const running = client.run({ signal: ended.signal });
  let isRegistered = false;
  void announce(client, nodeId, io).then((isAnnounced) => {
    isRegistered = isAnnounced;
  });
  try {
    const cluster = new ClusterView(
      createAffiliateSpec({ ...own.affiliate, nodeId, endpoints: own.endpoints }),
    );
    const view = new ResourceView(MEMBERS, { now: Date.now });
    for await (const change of client.watch({ signal: io.signal })) {
      cluster.apply(change);
      io.stdout.write(printer.print(view.replace(MEMBER_LISTING.select(cluster.affiliates))));
    }
    const mayBeListed = isRegistered || client.status.phase === "connected";
    return mayBeListed ? await leave(client, io) : EXIT_OK;
  } finally {
    ended.abort();
    await running;
  }
}

/** Flags can describe more than a service takes; that shows here, before anything is sent. */
function publish(client: DiscoveryClient, { affiliate, endpoints }: OwnAffiliate): void {
  try {
    client.publish(affiliate, { endpoints });
  } catch (error) {
    throw new UsageError(oneLine(error), { cause: error });
  }
}

/** @returns Whether the service knows us; not where the user interrupts before it answers. */
async function announce(client: DiscoveryClient, nodeId: string, io: CliIo): Promise<boolean> {
  try {
    await client.flush({ signal: io.signal });
  } catch {
    return false;
  }
  const { publicAddress, status } = client;
  const seen = publicAddress === undefined ? "" : `, which sees us at ${publicAddress}`;
  writeNotice(io, `registered ${nodeId} with ${status.service}${seen}`);
  return true;
}

async function leave(client: DiscoveryClient, io: CliIo): Promise<ExitCode> {
  client.withdraw();
  try {
    await client.flush({ signal: AbortSignal.timeout(LEAVE_TIMEOUT_MS) });
  } catch {
    writeNotice(io, "the service did not answer; it forgets this machine when its time is over");
    return EXIT_FAILED;
  }
  writeNotice(io, "left the cluster");
  return EXIT_OK;
}

async function readIdentity(flags: Flags): Promise<string> {
  const path = flags.text("identity");
  if (path === undefined) return generateNodeId();
  try {
    return (await loadNodeIdentity(path)).nodeId;
  } catch (error) {
    // The one code that says that there is no file yet; anything else in its place is kept.
    if (!isDiscoveryError(error) || error.code !== "ERR_FILE_UNREADABLE") throw error;
  }
  return (await createNodeIdentity(path)).nodeId;
}

function parseTtl(text: string): number {
  const ttlMs = parseDuration(text);
  if (ttlMs >= MIN_TTL_MS && ttlMs <= MAX_TTL_MS) return ttlMs;
  throw new RangeError(`${quoted(text)} is not from 1s to 30m`);
}
