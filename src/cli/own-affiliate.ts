/**
 * What `join` tells about this machine: what flags say, and otherwise what the system says.
 * @module
 */
import { hostname, networkInterfaces, release, type } from "node:os";
import type { Command } from "commander";
import { formatAddress, parseAddress } from "../net/address.ts";
import { formatEndpoint, parseEndpoint } from "../net/endpoint.ts";
import { contains, type Prefix, parsePrefix } from "../net/prefix.ts";
import type { AffiliateData } from "../protocol/affiliate.ts";
import { UsageError } from "./exit.ts";
import { choiceOf, parsePort } from "./flag-values.ts";
import { type Flags, flag, listFlag } from "./flags.ts";

const MACHINE_TYPES = ["worker", "controlplane", "init"] as const;

/** Addresses that mean nothing to another machine. */
const LINK_LOCAL: readonly Prefix[] = /* @__PURE__ */ ["fe80::/10", "169.254.0.0/16"].map(
  parsePrefix,
);

/** What to publish. */
export interface OwnAffiliate {
  /** Without its node ID, which comes from elsewhere. */
  readonly affiliate: AffiliateData;
  /** `IP:port`. */
  readonly endpoints: readonly string[];
}

/** Adds the flags that {@link describeOwnAffiliate} reads. */
export function addOwnAffiliateFlags(command: Command): Command {
  return command
    .addOption(flag("--hostname <name>", "host name (default: this machine's)"))
    .addOption(flag("--nodename <name>", "node name, which makes it a member (default: host name)"))
    .addOption(listFlag("--address <ip>", "IP address (default: this machine's)"))
    .addOption(flag("--type <type>", MACHINE_TYPES.join(", "), "worker"))
    .addOption(flag("--os <text>", "operating system (default: this machine's)"))
    .addOption(listFlag("--endpoint <ip:port>", "where WireGuard reaches it (default: nowhere)"))
    .addOption(flag("--control-plane-port <port>", "port of the Kubernetes API on this machine"));
}

/** @throws {UsageError} for a flag that does not parse. */
export function describeOwnAffiliate(flags: Flags): OwnAffiliate {
  const name = flags.text("hostname") ?? hostname();
  const machineType = flags.parsed("type", choiceOf(MACHINE_TYPES)) ?? "worker";
  const port = flags.parsed("control-plane-port", parsePort);
  if (port !== undefined && machineType === "worker") {
    throw new UsageError("--control-plane-port: a worker has no Kubernetes API; see --type");
  }
  const addresses = flags.parsedList("address", (text) => formatAddress(parseAddress(text)));
  return {
    affiliate: {
      addresses: addresses.length > 0 ? addresses : machineAddresses(),
      hostname: name,
      nodename: flags.text("nodename") ?? name,
      machineType,
      operatingSystem: flags.text("os") ?? `${type()} (${release()})`,
      ...(port === undefined ? {} : { controlPlane: { port } }),
    },
    endpoints: flags.parsedList("endpoint", (text) => formatEndpoint(parseEndpoint(text))),
  };
}

/** The addresses of this machine that other machines may know. */
function machineAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => parseAddress(address.replace(/%.*$/, "")))
    .filter((address) => !LINK_LOCAL.some((prefix) => contains(prefix, address)))
    .map(formatAddress);
}
