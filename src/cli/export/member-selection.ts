/**
 * Which members are exported, and at which of their addresses: the flags that every format takes.
 * @module
 */
import type { Command } from "commander";
import { formatAddress, hasZone, scanAddress, unmapAddress } from "../../net/address.ts";
import { type AddressFilter, parseAddressFilter, passesFilter } from "../../net/address-filter.ts";
import { contains, type Prefix, parsePrefix } from "../../net/prefix.ts";
import type { AffiliateSpec, MemberSpec, Resource } from "../../resources/index.ts";
import { choiceOf } from "../flags/flag-values.ts";
import { type Flags, flag, listFlag } from "../flags/flags.ts";
import { containsPrefix, unusableNetwork } from "./address-kind.ts";

const FAMILIES = ["4", "6"] as const;
const TYPES = ["controlplane", "worker"] as const;

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/** The part of `DiscoveryState` that is exported. */
export interface ExportedState {
  /** By node ID. */
  readonly affiliates: ReadonlyMap<string, Resource<AffiliateSpec>>;
  /** By node name. */
  readonly members: ReadonlyMap<string, Resource<MemberSpec>>;
}

/** A member that was chosen. */
export interface SelectedMember {
  /** The member's ID, which is its node name. */
  readonly name: string;
  readonly spec: MemberSpec;
  /** Those that pass the filters, in the order in which the node published them. Never empty. */
  readonly addresses: readonly string[];
  /** The one to use: the first of `addresses`. */
  readonly address: string;
}

/** What the flags ask for. */
export interface MemberSelection {
  /** Whether the node is meant at all: `--type`, `--exclude`. */
  includes(
    node: Pick<AffiliateSpec, "nodeId" | "hostname" | "machineType" | "addresses">,
    name: string,
  ): boolean;
  /**
   * Whether an address is meant: `--family`, `--cidr`. Text that is no address is not, nor is one
   * with a zone, nor one that {@link MemberSelection.unusable} names.
   */
  passes(address: string): boolean;
  /**
   * Why an address that the flags would let pass cannot be another node's: `loopback`. Without a
   * reason if a `--cidr` names it, or a network of that kind alone.
   */
  unusable(address: string): string | undefined;
  /** The same without `--type`. */
  ofAnyType(): MemberSelection;
}

/** Members that were chosen, and those that could not be. */
export interface SelectedMembers {
  /** Sorted by name. */
  readonly members: readonly SelectedMember[];
  /** Names of members without an address that passes the filters, sorted. */
  readonly unreachable: readonly string[];
  /** Addresses that cannot be another node's, by members' names, sorted. */
  readonly unusable: readonly UnusableAddress[];
}

/** An address that a member published and that is not used. */
export interface UnusableAddress {
  readonly name: string;
  /** In canonical form. */
  readonly address: string;
  /** Such as `loopback`. */
  readonly why: string;
}

/** Adds the flags that {@link readMemberSelection} reads. */
export function addMemberSelectionFlags(command: Command): Command {
  return command
    .addOption(
      flag("--type <type>", `only members of this type: ${TYPES.join(", ")}`).ownedBy("export"),
    )
    .addOption(flag("--family <version>", "only IPv4 or only IPv6 addresses: 4, 6"))
    .addOption(
      listFlag("--cidr <prefix>", "only addresses in this network; with ! in front, not in it"),
    )
    .addOption(
      listFlag(
        "--exclude <node>",
        "not this node: its node name, host name or ID, or a network that it has an address in",
      ),
    );
}

/** @throws {UsageError} for a flag that does not parse. */
export function readMemberSelection(flags: Flags): MemberSelection {
  const type = flags.parsed("type", choiceOf(TYPES));
  const family = flags.parsed("family", choiceOf(FAMILIES));
  const filters = flags.parsedList("cidr", (text) => parseAddressFilter([text]));
  const filter: AddressFilter = {
    included: filters.flatMap(({ included }) => included),
    excluded: filters.flatMap(({ excluded }) => excluded),
  };
  const exclusions = flags.parsedList("exclude", parseExclusion);
  const familyBytes = family === "4" ? IPV4_BYTES : IPV6_BYTES;
  const isMeant = (address: Uint8Array): boolean =>
    (family === undefined || address.length === familyBytes) && passesFilter(filter, address);
  const reasonAgainst = (address: Uint8Array): string | undefined => {
    const network = unusableNetwork(address);
    if (network === undefined) return undefined;
    const isNamed = filter.included.some(
      (prefix) => containsPrefix(network.prefix, prefix) && contains(prefix, address),
    );
    return isNamed ? undefined : network.kind;
  };
  const ofAnyType: MemberSelection = {
    includes: ({ nodeId, hostname, addresses }, name) =>
      !exclusions.some((exclusion) =>
        typeof exclusion === "string"
          ? [name, hostname, nodeId].includes(exclusion)
          : addresses.some((address) => isIn(exclusion, address)),
      ),
    passes(text) {
      const address = scanUsable(text);
      return address !== undefined && isMeant(address) && reasonAgainst(address) === undefined;
    },
    unusable(text) {
      const address = scanUsable(text);
      return address !== undefined && isMeant(address) ? reasonAgainst(address) : undefined;
    },
    ofAnyType: () => ofAnyType,
  };
  if (type === undefined) return ofAnyType;
  return {
    ...ofAnyType,
    includes: (node, name) =>
      exportedType(node.machineType) === type && ofAnyType.includes(node, name),
  };
}

/** Applies a selection to what is known of the cluster now. */
export function selectMembers(state: ExportedState, selection: MemberSelection): SelectedMembers {
  const members: SelectedMember[] = [];
  const unreachable: string[] = [];
  const unusable: UnusableAddress[] = [];
  for (const [name, { spec }] of [...state.members].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!selection.includes(spec, name)) continue;
    for (const address of spec.addresses) {
      const why = selection.unusable(address);
      if (why !== undefined) unusable.push({ name, address: canonical(address), why });
    }
    const addresses = spec.addresses.filter(selection.passes).map(canonical);
    const [address] = addresses;
    if (address === undefined) unreachable.push(name);
    else members.push({ name, spec, addresses, address });
  }
  return { members, unreachable, unusable };
}

/** `init` is a control plane node of an old cluster. */
export function exportedType(machineType: MemberSpec["machineType"]): MemberSpec["machineType"] {
  return machineType === "init" ? "controlplane" : machineType;
}

function parseExclusion(text: string): string | Prefix {
  if (text.includes("/")) return parsePrefix(text);
  const ip = scanAddress(text);
  return ip === undefined ? text : { ip, bits: ip.length * 8 };
}

function isIn(prefix: Prefix, text: string): boolean {
  const address = scanUsable(text);
  return address !== undefined && contains(prefix, address);
}

/** An address with a zone means something on its own machine only. IPv4-mapped ones are IPv4. */
function scanUsable(text: string): Uint8Array | undefined {
  const address = scanAddress(text);
  return address === undefined || hasZone(address) ? undefined : unmapAddress(address);
}

function canonical(text: string): string {
  const address = scanUsable(text);
  return address === undefined ? text : formatAddress(address);
}
