/**
 * What `join` tells about this machine: what flags say, and otherwise what the system says.
 * @module
 */
import { hostname, release, type } from "node:os";
import type { Command } from "commander";
import { KUBESPAN_PORT, type KubeSpanIdentity, ownEndpoints } from "../../kubespan/index.ts";
import { parseAddress } from "../../net/address.ts";
import { parseAddressFilter } from "../../net/address-filter.ts";
import { canonicalAddress, canonicalEndpoint } from "../../net/canonical.ts";
import { type AffiliateSpec, createAffiliateSpec } from "../../resources/index.ts";
import { UsageError } from "../exit.ts";
import { choiceOf, parsePort } from "../flags/flag-values.ts";
import { type Flags, flag, listFlag } from "../flags/flags.ts";
import { MachineAddresses, meansSomethingElsewhere } from "./machine-addresses.ts";

const MACHINE_TYPES = ["worker", "controlplane", "init"] as const;

/** Who this machine is, once that is known. */
export interface OwnIdentity {
  readonly nodeId: string;
  /** Where it takes part in KubeSpan. */
  readonly kubespan?: KubeSpanIdentity | undefined;
}

/**
 * Describes this machine as it is now, with the address under which services see it, where they
 * have told.
 */
export type DescribeMachine = (publicAddress: string | undefined) => AffiliateSpec;

/** Adds the flags that {@link readOwnAffiliate} reads. */
export function addOwnAffiliateFlags(command: Command): Command {
  return command
    .addOption(flag("--hostname <name>", "host name (default: this machine's)"))
    .addOption(
      flag(
        "--nodename <name>",
        "node name, which makes it a member (default: --node-name, host name)",
      ),
    )
    .addOption(
      flag(
        "--node-name <name>",
        "with --kubeconfig: the Kubernetes node on which to publish this machine too",
      ),
    )
    .addOption(
      listFlag("--address <ip>", "IP address (default: this machine's, followed when they change)"),
    )
    .addOption(
      listFlag(
        "--address-filter <cidr>",
        'only this machine\'s addresses in this prefix, or with "!" in front, those outside it',
      ),
    )
    .addOption(flag("--type <type>", MACHINE_TYPES.join(", "), "worker"))
    .addOption(flag("--os <text>", "operating system (default: this machine's)"))
    .addOption(flag("--control-plane-port <port>", "port of the Kubernetes API on this machine"))
    .addOption(
      listFlag(
        "--endpoint <ip:port>",
        "where WireGuard reaches it (default: nowhere; with --kubespan, besides its addresses)",
      ),
    )
    .addOption(
      listFlag(
        "--endpoint-filter <cidr>",
        "with --kubespan: only addresses in this prefix are endpoints, or outside it, as above",
      ),
    )
    .addOption(
      flag(
        "--kubespan-port <port>",
        "with --kubespan: UDP port of WireGuard",
        String(KUBESPAN_PORT),
      ),
    );
}

/**
 * Reads what flags say of this machine.
 *
 * @returns Makes what describes it, for an identity that may not exist yet.
 * @throws {UsageError} for a flag that does not parse, or not go with others.
 */
export function readOwnAffiliate(flags: Flags): (identity: OwnIdentity) => DescribeMachine {
  const host = flags.text("hostname") ?? hostname();
  const machineType = flags.requiredParsed("type", choiceOf(MACHINE_TYPES));
  const port = flags.parsed("control-plane-port", parsePort);
  if (port !== undefined && machineType === "worker") {
    throw new UsageError("--control-plane-port: a worker has no Kubernetes API; see --type");
  }
  const fixed = {
    hostname: host,
    nodename: flags.text("nodename") ?? flags.text("node-name") ?? host,
    machineType,
    operatingSystem: flags.text("os") ?? `${type()} (${release()})`,
    ...(port === undefined ? {} : { controlPlane: { port } }),
  };
  const addressesNow = readAddresses(flags);
  const extraEndpoints = flags.parsedList("endpoint", canonicalEndpoint);
  const filter = flags.parsedList("endpoint-filter", checkedFilter);
  const kubespanPort = flags.requiredParsed("kubespan-port", parsePort);
  return ({ nodeId, kubespan }) =>
    (publicAddress) => {
      const addresses = addressesNow();
      if (kubespan === undefined) {
        return createAffiliateSpec({ ...fixed, nodeId, addresses, endpoints: extraEndpoints });
      }
      // A service nearby may see us where nobody else reaches us, as on the loopback.
      const isPublic =
        publicAddress !== undefined && meansSomethingElsewhere(parseAddress(publicAddress));
      const endpoints = ownEndpoints({
        addresses,
        publicAddress: isPublic ? publicAddress : undefined,
        filter,
        extraEndpoints,
        port: kubespanPort,
      });
      const { publicKey, address } = kubespan;
      return createAffiliateSpec({
        ...fixed,
        nodeId,
        addresses,
        kubespan: { publicKey, address: address.replace(/\/.*$/, "") },
        endpoints,
      });
    };
}

function readAddresses(flags: Flags): () => readonly string[] {
  const given = flags.parsedList("address", canonicalAddress);
  const filter = flags.parsedList("address-filter", checkedFilter);
  if (given.length === 0) {
    const machine = new MachineAddresses(parseAddressFilter(filter));
    return () => machine.current();
  }
  if (filter.length > 0) {
    throw new UsageError(
      "--address-filter: is for this machine's own addresses, not with --address",
    );
  }
  return () => given;
}

function checkedFilter(text: string): string {
  parseAddressFilter([text]);
  return text;
}
