/**
 * This machine's address as the service sees it: what nodes behind NAT are reached by, and what rate limits count.
 * @module
 */
import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { formatAddress, unmapAddress } from "../../net/address.ts";
import type { HelloResponse } from "../../protocol/index.ts";
import { outsideText } from "../text.ts";
import type { Outcome } from "./check.ts";
import { errorText } from "./failures.ts";
import type { Route } from "./route.ts";

const PRIVATE = new BlockList();
for (const [network, bits] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["127.0.0.0", 8],
] as const) {
  PRIVATE.addSubnet(network, bits, "ipv4");
}
PRIVATE.addSubnet("fc00::", 7, "ipv6");
PRIVATE.addSubnet("fe80::", 10, "ipv6");
PRIVATE.addAddress("::1", "ipv6");

/** Compares what the service reported with what we know of the way to it. */
export function checkPublicAddress(
  hello: HelloResponse,
  { addresses, proxy }: Pick<Route, "addresses" | "proxy">,
  ownAddresses: readonly string[] = localAddresses(),
): Outcome<true> {
  if (hello.clientIp.length === 0) {
    return {
      finding: { status: "unknown", summary: "the service does not report it" },
      value: true,
    };
  }
  let address: string;
  try {
    // A zone may hold any text.
    address = outsideText(formatAddress(unmapAddress(hello.clientIp)));
  } catch (error) {
    const hint = "The service, or what changes its answers, is broken.";
    return { finding: { status: "warning", summary: errorText(error), hint }, value: true };
  }
  const isOwn = ownAddresses.includes(address);
  const details = { address, own: isOwn };
  if (proxy !== undefined) {
    const summary = `${address}, of the proxy or its network`;
    return { finding: { status: "ok", summary, details }, value: true };
  }
  const hint =
    "A proxy stands before the service: name it there (--trusted-proxies), or all nodes share one address and one rate limit.";
  const isServicePublic = addresses.some((service) => isIP(service) !== 0 && !isPrivate(service));
  if (!isOwn && addresses.includes(address)) {
    const summary = `${address}, which is the service's own address`;
    return { finding: { status: "warning", summary, hint, details }, value: true };
  }
  if (isPrivate(address) && isServicePublic) {
    const summary = `${address}, a private address, though the service is at a public one`;
    return { finding: { status: "warning", summary, hint, details }, value: true };
  }
  const whose = isOwn
    ? "an address of this machine"
    : "not an address of this machine: NAT or a proxy";
  return { finding: { status: "ok", summary: `${address}, ${whose}`, details }, value: true };
}

function isPrivate(address: string): boolean {
  return PRIVATE.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).map(({ address }) => address),
  );
}
