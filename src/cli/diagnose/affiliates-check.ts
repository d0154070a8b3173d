/**
 * What the service has of the cluster: that it is sent, that it opens with the secret, and whether
 * it makes members.
 * @module
 */
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { equalBytes } from "../../bytes.ts";
import type { DiscoveredAffiliate, DropReport } from "../../client/index.ts";
import { type ListedAffiliate, openAffiliate } from "../../client/opening.ts";
import { MAX_OPENED_AFFILIATES } from "../../client/watcher.ts";
import { type ClusterCipher, createClusterCipher } from "../../crypto/index.ts";
import {
  type Cluster,
  decodeAffiliate,
  decodeEndpoint,
  encodeAffiliate,
  encodeEndpoint,
} from "../../protocol/index.ts";
import { MAX_AFFILIATE_ENDPOINTS } from "../../protocol/limits.ts";
import { UNOPENED_REASONS } from "../cluster/notices.ts";
import { counted, errorText, outsideText, shortList } from "../text.ts";
import type { DiagnoseOptions, Outcome } from "./check.ts";
import { explainCallFailure } from "./failures.ts";

/** Names in a line; all are in the details. */
const MAX_SHOWN_NAMES = 3;

/** For a node without a node name. */
export const KUBELET_HINT = "Its kubelet is not up: talosctl --nodes ADDRESS service kubelet.";

/** For a name that two nodes have. */
export const FORGET_HINT =
  "One may be left over from before a machine was wiped: talos-discovery forget NODE_ID, or wait 30 minutes.";

type ServiceClient = Client<typeof Cluster>;

/** Waits for the first message of a watch, which is the cluster as it is. */
export async function checkWatch(
  client: ServiceClient,
  clusterId: string,
  { timeoutMs }: Pick<DiagnoseOptions, "timeoutMs">,
  signal: AbortSignal,
): Promise<Outcome<readonly ListedAffiliate[]>> {
  const startedAt = performance.now();
  try {
    // With a deadline, a service refuses at once what would have to wait for too long.
    const call = { signal, timeoutMs };
    const stream = client.watch({ clusterId }, call)[Symbol.asyncIterator]();
    const first = await stream.next();
    if (first.done) throw new ConnectError("the watch ended without a message", Code.Unavailable);
    const firstMessageMs = Math.round(performance.now() - startedAt);
    // A large cluster comes in several messages; a list has all at once.
    const { affiliates } = await client.list({ clusterId }, call);
    const summary = `${counted(affiliates.length, "affiliate")}, first message after ${firstMessageMs} ms`;
    const details = { firstMessageMs, affiliates: affiliates.length };
    if (affiliates.length > 0) {
      return { finding: { status: "ok", summary, details }, value: affiliates };
    }
    const hint =
      "No node has published here: is the cluster's ID right, is discovery enabled on the nodes, and do they use this service?";
    return { finding: { status: "warning", summary, hint, details }, value: affiliates };
  } catch (error) {
    const finding = explainCallFailure(error, signal);
    if (finding.details?.code !== "DeadlineExceeded") return { finding };
    const hint =
      "Something on the way holds streams back: switch off buffering in the proxy in front.";
    return { finding: { ...finding, hint } };
  }
}

/** An affiliate that did not open. */
interface Unopened {
  readonly nodeId: string;
  readonly reason: DropReport["reason"] | "no_data_yet";
}

/** What the secret opens. */
export interface OpenedListing {
  readonly opened: readonly DiscoveredAffiliate[];
  readonly unopened: readonly Unopened[];
}

/**
 * Seals and opens something of our own, then opens what the service lists. What Go accepts is
 * accepted, and named if nobody should rely on it.
 *
 * @param isCanonical - Whether the secret was given in the one form of standard base64.
 */
export function checkSecret(
  listed: readonly ListedAffiliate[],
  clusterSecret: string,
  isCanonical = true,
): Outcome<OpenedListing> {
  const cipher = createClusterCipher(clusterSecret);
  const outcome = checkOpening(listed, cipher);
  const { finding } = outcome;
  if (finding.status === "failed") return outcome;
  const oddities = [
    ...(isCanonical ? [] : [UNCANONICAL_SECRET]),
    ...paddingOddity(cipher, listed.slice(0, MAX_OPENED_AFFILIATES)),
  ];
  if (oddities.length === 0) return outcome;
  const summary = [finding.summary, ...oddities.map(({ what }) => what)].join("; ");
  const hint = [finding.hint ?? [], ...oddities.map((oddity) => oddity.hint)].flat().join(" ");
  return { ...outcome, finding: { ...finding, status: "warning", summary, hint } };
}

interface Oddity {
  readonly what: string;
  readonly hint: string;
}

const UNCANONICAL_SECRET: Oddity = {
  what: "the secret's last digit is not the one that base64 encoders write",
  hint: "Nodes read the same 32 bytes; strict decoders refuse it. Encode the 32 bytes anew, or check for a typing error.",
};

/** Endpoints open with any padding; nodes write zeros. */
function paddingOddity(cipher: ClusterCipher, listed: readonly ListedAffiliate[]): Oddity[] {
  const padded = listed.filter(({ endpoints }) =>
    endpoints.slice(0, 4 * MAX_AFFILIATE_ENDPOINTS).some((sealed) => isOddlyPadded(cipher, sealed)),
  );
  if (padded.length === 0) return [];
  const names = shownNames(padded.map(({ id }) => id));
  return [
    {
      what: `endpoints with padding that is not zero, of ${names}`,
      hint: "Something other than Talos seals endpoints here, or they were changed on the way.",
    },
  ];
}

/** Sealing is deterministic. */
function isOddlyPadded(cipher: ClusterCipher, sealed: Uint8Array): boolean {
  try {
    const plain = cipher.openEndpoint(sealed);
    decodeEndpoint(plain);
    return !equalBytes(cipher.sealEndpoint(plain), sealed);
  } catch {
    // Others tell of those that do not open.
    return false;
  }
}

function checkOpening(
  listed: readonly ListedAffiliate[],
  cipher: ClusterCipher,
): Outcome<OpenedListing> {
  const fault = sealingFault(cipher);
  if (fault !== undefined) {
    const hint = "This program or its runtime is broken: please report it.";
    return { finding: { status: "failed", summary: fault, hint } };
  }
  const listing = openAll(cipher, listed);
  const { opened, unopened } = listing;
  const sealed = unopened.filter(({ reason }) => reason !== "no_data_yet");
  const details = { opened: opened.map(({ nodeId }) => nodeId), unopened };
  const total = opened.length + sealed.length;
  if (total === 0) {
    const summary = "seals and opens; there is nothing of others to open";
    return { finding: { status: "ok", summary, details }, value: listing };
  }
  if (sealed.length === 0) {
    const summary = `seals, and opens ${opened.length === 1 ? "the one affiliate" : `all ${total} affiliates`}`;
    return { finding: { status: "ok", summary, details }, value: listing };
  }
  if (opened.length === 0 && sealed.every(({ reason }) => reason === "affiliate_tag_mismatch")) {
    return {
      finding: {
        status: "failed",
        summary: `opens none of ${counted(total, "affiliate")}: this is not the cluster's secret`,
        hint: "Take .cluster.secret (or clusterSecret) from the machine configuration of a node that is in the cluster.",
        details,
      },
    };
  }
  const names = shownNames(sealed.map(({ nodeId, reason }) => `${nodeId} (${REASONS[reason]})`));
  return {
    finding: {
      status: "warning",
      summary: `opens ${opened.length} of ${total} affiliates; not ${names}`,
      hint: "Those nodes have another cluster secret than the rest, or somebody else writes to this cluster's ID: compare their machine configuration.",
      details,
    },
    value: listing,
  };
}

/** Members are affiliates with a node name, which a node has once its kubelet is up. */
export function checkMembers({ opened }: OpenedListing): Outcome<true> {
  const nodeIdsByName = new Map<string, string[]>();
  const nameless: DiscoveredAffiliate[] = [];
  for (const affiliate of opened) {
    const { nodename, nodeId } = affiliate;
    if (!nodename) nameless.push(affiliate);
    else nodeIdsByName.set(nodename, [...(nodeIdsByName.get(nodename) ?? []), nodeId]);
  }
  const twice = [...nodeIdsByName].filter(([, nodeIds]) => nodeIds.length > 1);
  const members = nodeIdsByName.size;
  const details = {
    members,
    withoutNodeName: nameless.map(({ nodeId }) => nodeId),
    sameNodeName: twice.map(([nodeName, nodeIds]) => ({
      nodeName: outsideText(nodeName),
      nodeIds,
    })),
  };
  const oddities = [
    ...(nameless.length > 0
      ? [
          `no node name yet: ${shownNames(nameless.map(({ hostname, nodeId }) => hostname || nodeId))}`,
        ]
      : []),
    ...(twice.length > 0
      ? [`more than one node is called ${shownNames(twice.map(([nodeName]) => nodeName))}`]
      : []),
  ];
  const summary = [counted(members, "member"), ...oddities].join("; ");
  if (oddities.length === 0) return { finding: { status: "ok", summary, details }, value: true };
  const hint = twice.length > 0 ? FORGET_HINT : KUBELET_HINT;
  return { finding: { status: "warning", summary, hint, details }, value: true };
}

function openAll(cipher: ClusterCipher, listed: readonly ListedAffiliate[]): OpenedListing {
  const opened: DiscoveredAffiliate[] = [];
  const unopened: Unopened[] = [];
  for (const affiliate of listed.slice(0, MAX_OPENED_AFFILIATES)) {
    const nodeId = outsideText(affiliate.id);
    if (affiliate.data.length === 0) {
      unopened.push({ nodeId, reason: "no_data_yet" });
      continue;
    }
    let reason: DropReport["reason"] = "affiliate_malformed";
    const one = openAffiliate(cipher, affiliate, (report) => {
      reason = report.reason;
    });
    if (one === undefined) unopened.push({ nodeId, reason });
    else opened.push(one);
  }
  return { opened, unopened };
}

const REASONS: Readonly<Record<Unopened["reason"], string>> = {
  ...UNOPENED_REASONS,
  affiliates_over_limit: "too many",
  endpoint_malformed: "bad endpoint",
  endpoints_over_limit: "too many endpoints",
  no_data_yet: "no data yet",
};

/** What goes in must come out. */
function sealingFault(cipher: ClusterCipher): string | undefined {
  try {
    const name = decodeAffiliate(
      cipher.openAffiliate(cipher.sealAffiliate(encodeAffiliate({ hostname: "diagnose" }))),
    ).hostname;
    const place = decodeEndpoint(
      cipher.openEndpoint(cipher.sealEndpoint(encodeEndpoint("192.0.2.1:51820"))),
    );
    if (name === "diagnose" && place === "192.0.2.1:51820") return undefined;
    return "what was sealed opened to something else";
  } catch (error) {
    return `sealing failed: ${errorText(error)}`;
  }
}

function shownNames(names: readonly string[]): string {
  return shortList(
    names.map((name) => outsideText(name)),
    MAX_SHOWN_NAMES,
  );
}
