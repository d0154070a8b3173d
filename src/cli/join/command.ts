/**
 * `join`: makes this machine known to a cluster for as long as the command runs, and shows who else
 * is there.
 * @module
 */
import { isDiscoveryError } from "../../errors.ts";
import { generateNodeId } from "../../identity/index.ts";
import type { KubeSpanIdentity } from "../../kubespan/index.ts";
import { quote } from "../../net/quote.ts";
import {
  createKubeSpanIdentity,
  createNodeIdentity,
  loadKubeSpanIdentity,
  loadNodeIdentity,
} from "../../node/index.ts";
import { MAX_TTL_MS } from "../../protocol/limits.ts";
import { MEMBERS } from "../../resources/index.ts";
import {
  addClusterFlags,
  type ClusterAccess,
  readClusterAccess,
  registriesOf,
} from "../cluster/cluster-access.ts";
import { createClusterDiscovery } from "../cluster/cluster-discovery.ts";
import { firstMac, requireCluster } from "../cluster/kubespan.ts";
import { type AddCommand, examples, type Invocation } from "../command.ts";
import { EXIT_FAILED, EXIT_OK, type ExitCode, UsageError } from "../exit.ts";
import { parseDuration } from "../flags/flag-values.ts";
import { type Flags, flag } from "../flags/flags.ts";
import { memberEvents } from "../get/cluster-listing.ts";
import type { CliIo } from "../io.ts";
import { parseResourceFormat, RESOURCE_FORMATS } from "../output/formats.ts";
import { createWatchView } from "../output/watch-view.ts";
import { Membership } from "./membership.ts";
import { addOwnAffiliateFlags, readOwnAffiliate } from "./own-affiliate.ts";

/** A service counts in whole seconds where it keeps a snapshot. */
const MIN_TTL_MS = 1000;

/** What is about the mesh alone. */
const KUBESPAN_FLAGS = ["kubespan-identity", "kubespan-port", "endpoint-filter"];

/** Adds `join`. */
export const addJoinCommand: AddCommand = (parent, action) => {
  const command = parent
    .command("join")
    .description(
      "Publish this machine, keep it registered with every service, show the members, leave on SIGINT or SIGTERM.",
    );
  addOwnAffiliateFlags(command)
    .addOption(
      flag(
        "--identity <file>",
        "node identity, made where absent (default: a new one for each run)",
      ),
    )
    .addOption(flag("--kubespan", "publish a WireGuard key, an address in the mesh and endpoints"))
    .addOption(
      flag("--kubespan-identity <file>", "with --kubespan: its identity, made where absent"),
    )
    .addOption(
      flag("--ttl <duration>", "how long a service keeps it unrefreshed, at most 30m", "30m"),
    )
    .addOption(flag("-o, --output <format>", RESOURCE_FORMATS, "table"));
  addClusterFlags(command)
    .addHelpText(
      "after",
      examples(
        "talos-discovery join --config cluster.yaml --identity node-identity.yaml",
        "talos-discovery join --config cluster.yaml --address-filter 10.0.0.0/8 --address-filter '!10.244.0.0/16'",
        "talos-discovery join --config cluster.yaml --service http://127.0.0.1:3000 --nodename worker-1 --address 10.0.0.1",
        "talos-discovery join --config cluster.yaml --kubespan --kubespan-identity kubespan-identity.yaml",
        "talos-discovery join --config cluster.yaml --kubeconfig kubeconfig --node-name worker-1",
        "talos-discovery join --config cluster.yaml --type controlplane --control-plane-port 6443 --endpoint 10.0.0.1:51820",
      ),
    )
    .action(action(runJoin));
};

async function runJoin({ flags, io }: Invocation): Promise<ExitCode> {
  flags.refuseWithout("kubespan", KUBESPAN_FLAGS);
  const format = flags.requiredParsed("output", parseResourceFormat);
  const ttlMs = flags.requiredParsed("ttl", parseTtl);
  const access = await readClusterAccess(flags, io);
  const nodeName = readNodeName(flags, access);
  const describeAs = readOwnAffiliate(flags);
  // Last, because they may make files: not for a command that is wrong.
  const kubespan = await readKubeSpanIdentity(flags, access, io);
  const nodeId = await readIdentity(flags, io);
  const view = createWatchView(format, MEMBERS, { node: registriesOf(access), io });
  const onNotice = (line: string) => view.notice(line);
  try {
    const discovery = await createClusterDiscovery(access, { nodeId, nodeName, ttlMs, onNotice });
    const describe = describeAs({ nodeId, kubespan });
    const membership = new Membership({ discovery, describe, onNotice });
    const hasLeft = await membership.keep((change) => {
      const events = memberEvents(change);
      if (change.kind === "snapshot" || events.length > 0) view.show(events);
    }, io.signal);
    return hasLeft ? EXIT_OK : EXIT_FAILED;
  } finally {
    view.close();
  }
}

function readNodeName(flags: Flags, { services, kubeconfig }: ClusterAccess): string | undefined {
  const nodeName = flags.text("node-name");
  if (nodeName !== undefined && kubeconfig === undefined) {
    throw new UsageError(`${flags.origin("node-name")}: only with --kubeconfig`);
  }
  if (nodeName === undefined && services.length === 0) {
    throw new UsageError("there is no service to publish to, and no --node-name with --kubeconfig");
  }
  return nodeName;
}

async function readKubeSpanIdentity(
  flags: Flags,
  { clusterId }: ClusterAccess,
  io: CliIo,
): Promise<KubeSpanIdentity | undefined> {
  if (!flags.isOn("kubespan")) return undefined;
  const path = flags.requiredText("kubespan-identity");
  if (clusterId === undefined) throw new UsageError("--kubespan: the cluster's ID is missing");
  const identity = await loadOrCreate(
    () => loadKubeSpanIdentity(path, io),
    () => createKubeSpanIdentity(path, { clusterId, mac: firstMac() }),
  );
  requireCluster(identity, clusterId, path);
  return identity;
}

async function readIdentity(flags: Flags, io: CliIo): Promise<string> {
  const path = flags.text("identity");
  if (path === undefined) return generateNodeId();
  const { nodeId } = await loadOrCreate(
    () => loadNodeIdentity(path, io),
    () => createNodeIdentity(path),
  );
  return nodeId;
}

async function loadOrCreate<T>(load: () => Promise<T>, create: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    // The one code that says that there is no file yet; anything else in its place is kept.
    if (!isDiscoveryError(error) || error.code !== "ERR_FILE_UNREADABLE") throw error;
  }
  return create();
}

function parseTtl(text: string): number {
  const ttlMs = parseDuration(text);
  if (ttlMs >= MIN_TTL_MS && ttlMs <= MAX_TTL_MS) return ttlMs;
  throw new RangeError(`${quote(text)} is not from 1s to 30m`);
}
