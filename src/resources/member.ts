/**
 * Members: the affiliates that have joined, named as Kubernetes names them.
 * @module
 */
import type { AffiliateSpec } from "./affiliate.ts";
import type { MachineType } from "./machine-type.ts";

/** Spec of `Members.cluster.talos.dev`. Keys stand in the order in which Talos prints them. */
export interface MemberSpec {
  /** Base62 identity of the affiliate behind it. */
  readonly nodeId: string;
  /** IP addresses. */
  readonly addresses: readonly string[];
  readonly hostname: string;
  readonly machineType: MachineType;
  readonly operatingSystem: string;
  /** Absent on a node without a Kubernetes API server. */
  readonly controlPlane?: { readonly port: number };
}

/**
 * A member is made once for each spec, so that an unchanged one is the same object and quick to
 * compare.
 */
const MADE: WeakMap<AffiliateSpec, MemberSpec> = /* @__PURE__ */ new WeakMap();

/**
 * Makes the members of a set of affiliates.
 *
 * An affiliate without a node name is no member yet. Two affiliates may claim one name, for example
 * a machine that was wiped and its old record; the one with the greater node ID is shown, so that
 * every node decides alike.
 *
 * @returns Specs by member ID, which is the node name; lists are shared with the affiliates.
 * @example
 * membersOf(affiliates).get("worker-1")?.addresses; // ["172.20.0.5"]
 */
export function membersOf(affiliates: Iterable<AffiliateSpec>): Map<string, MemberSpec> {
  const members = new Map<string, MemberSpec>();
  for (const affiliate of affiliates) {
    const { nodename, nodeId } = affiliate;
    if (nodename === "") continue;
    const rival = members.get(nodename);
    if (rival === undefined || rival.nodeId < nodeId) members.set(nodename, memberOf(affiliate));
  }
  return members;
}

/** The member that an affiliate with a node name is; the same object for the same spec. */
export function memberOf(affiliate: AffiliateSpec): MemberSpec {
  const made = MADE.get(affiliate);
  if (made !== undefined) return made;
  const { nodeId, addresses, hostname, machineType, operatingSystem, controlPlane } = affiliate;
  const member: MemberSpec = {
    nodeId,
    addresses,
    hostname,
    machineType,
    operatingSystem,
    ...(controlPlane !== undefined ? { controlPlane } : {}),
  };
  MADE.set(affiliate, member);
  return member;
}
