/**
 * "Why not this node?": one node, as each service has it.
 * @module
 */
import type { DiscoveredAffiliate } from "../../client/index.ts";
import { outsideText } from "../text.ts";
import { FORGET_HINT, KUBELET_HINT, type OpenedListing } from "./affiliates-check.ts";
import type { Finding } from "./check.ts";
import type { ServiceDiagnosis } from "./diagnose-service.ts";

/** A node at one service. */
export interface NodeAtService {
  readonly service: string;
  /** `unknown`: the service could not be asked, or what it has could not be opened. */
  readonly state: "member" | "no-node-name" | "sealed" | "not-listed" | "unknown";
  readonly nodeId: string | null;
  readonly nodeName: string | null;
  readonly hostname: string | null;
  readonly addresses: readonly string[];
  readonly endpoints: readonly string[];
}

/** What is known of a node. */
export interface NodeDiagnosis extends Finding {
  readonly node: string;
  readonly services: readonly NodeAtService[];
}

/**
 * Looks a node up in what services list.
 *
 * @param node - Node ID, node name or hostname; the hostname's first label will do.
 */
export function diagnoseNode(node: string, services: readonly ServiceDiagnosis[]): NodeDiagnosis {
  const found = services.flatMap(({ name, listing }) => findAt(node, name, listing));
  return { node: outsideText(node), services: found, ...judge(node, found) };
}

/** Several where a name is that of several nodes. */
function findAt(
  node: string,
  service: string,
  listing: OpenedListing | undefined,
): NodeAtService[] {
  const nothing = {
    service,
    nodeId: null,
    nodeName: null,
    hostname: null,
    addresses: [],
    endpoints: [],
  };
  if (listing === undefined) return [{ ...nothing, state: "unknown" }];
  const found = listing.opened.filter((affiliate) => isCalled(affiliate, node));
  if (found.length > 0) {
    return found.map(({ nodeId, nodename = "", hostname = "", addresses = [], endpoints }) => ({
      service,
      state: nodename === "" ? "no-node-name" : "member",
      nodeId: outsideText(nodeId),
      nodeName: outsideText(nodename) || null,
      hostname: outsideText(hostname) || null,
      addresses: addresses.map((address) => outsideText(address)),
      endpoints: endpoints.map((endpoint) => outsideText(endpoint)),
    }));
  }
  const isSealed = listing.unopened.some(({ nodeId }) => nodeId === node);
  return isSealed
    ? [{ ...nothing, state: "sealed", nodeId: outsideText(node) }]
    : [{ ...nothing, state: "not-listed" }];
}

function isCalled({ nodeId, nodename, hostname }: DiscoveredAffiliate, name: string): boolean {
  return [nodeId, nodename, hostname, hostname?.split(".", 1)[0]].includes(name);
}

function judge(node: string, found: readonly NodeAtService[]): Finding {
  const at = (state: NodeAtService["state"]) =>
    found.filter((one) => one.state === state).map(({ service }) => service);
  const [member] = found.filter(({ state }) => state === "member");
  const missing = at("not-listed");
  const name = outsideText(node);
  const nodeIds = new Set(found.flatMap(({ nodeId }) => nodeId ?? []));
  if (nodeIds.size > 1) {
    const summary = `${nodeIds.size} nodes are called ${name}: ${[...nodeIds].join(", ")}`;
    return { status: "warning", summary, hint: FORGET_HINT };
  }
  if (member !== undefined) {
    const summary = `${name} is a member, with ${member.addresses.join(", ") || "no address"}`;
    if (missing.length === 0) return { status: "ok", summary };
    return {
      status: "warning",
      summary: `${summary}; not listed by ${missing.join(", ")}`,
      hint: "Is that service in the node's configuration, and can the node reach it? Run this command there too.",
    };
  }
  if (at("no-node-name").length > 0) {
    return {
      status: "warning",
      summary: `${name} is an affiliate and no member: it has no node name yet`,
      hint: KUBELET_HINT,
    };
  }
  if (at("sealed").length > 0) {
    return {
      status: "failed",
      summary: `${name} is listed, and does not open with this secret`,
      hint: "It has another cluster secret: compare its machine configuration with that of a member.",
    };
  }
  if (missing.length === 0) {
    const summary = `${name}: no service could be asked`;
    const hint = "See the checks above; the cluster's ID and secret are needed.";
    return { status: "failed", summary, hint };
  }
  return {
    status: "failed",
    summary: `${name} is listed by no service`,
    hint: "It has not published in the last 30 minutes, or under another cluster ID: compare its cluster ID and services, and run this command from its network.",
  };
}
