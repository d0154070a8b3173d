/**
 * "Why not this node?": one node, as each service has it.
 * @module
 */
import type { OpenedListing } from "./affiliates-check.ts";
import type { Finding } from "./check.ts";
import type { ServiceDiagnosis } from "./diagnose-service.ts";
import { outsideText } from "./outside-text.ts";

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
  const found = services.map(({ name, listing }) => findAt(node, name, listing));
  return { node: outsideText(node), services: found, ...judge(node, found) };
}

function findAt(node: string, service: string, listing: OpenedListing | undefined): NodeAtService {
  const nobody = { service, nodeId: null, nodeName: null, hostname: null } as const;
  const nothing = { addresses: [], endpoints: [] };
  if (listing === undefined) return { ...nobody, ...nothing, state: "unknown" };
  const found = listing.opened.find(
    ({ nodeId, nodename, hostname }) =>
      nodeId === node ||
      nodename === node ||
      hostname === node ||
      hostname?.split(".", 1)[0] === node,
  );
  if (found !== undefined) {
    const { nodeId, nodename = "", hostname = "", addresses = [], endpoints } = found;
    return {
      service,
      state: nodename === "" ? "no-node-name" : "member",
      nodeId: outsideText(nodeId),
      nodeName: outsideText(nodename) || null,
      hostname: outsideText(hostname) || null,
      addresses,
      endpoints,
    };
  }
  const isSealed = listing.unopened.some(({ nodeId }) => nodeId === node);
  const known = isSealed ? { ...nobody, nodeId: outsideText(node) } : nobody;
  return { ...known, ...nothing, state: isSealed ? "sealed" : "not-listed" };
}

function judge(node: string, found: readonly NodeAtService[]): Finding {
  const at = (state: NodeAtService["state"]) =>
    found.filter((one) => one.state === state).map(({ service }) => service);
  const [member] = found.filter(({ state }) => state === "member");
  const missing = at("not-listed");
  const name = outsideText(node);
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
      hint: "Its kubelet is not up: talosctl --nodes ADDRESS service kubelet.",
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
