/**
 * Random nodes: every field, every form of address, in the canonical text that both sides print.
 * @module
 */
import { randomBytes, randomInt } from "node:crypto";
import type { AffiliateData } from "../../../src/protocol/index.ts";

const SPECIAL_ADDRESSES = [
  "::",
  "::1",
  "0.0.0.0",
  "255.255.255.255",
  "fd00::1",
  "2001:db8::8:800:200c:417a",
  "2001:db8:0:1:1:1:1:1",
  "::ffff:10.0.0.1",
  "fe80::1%eth0",
];
const SPECIAL_PREFIXES = ["0.0.0.0/0", "::/0", "fd00::/8", "192.168.1.7/32", "10.244.0.0/24"];
const MACHINE_TYPES = ["", "init", "controlplane", "worker"];
const NAMES = ["", "node", "knoten-ä", "узел", "節点", "a.very.long.name.example.org"];
const MOST_LIST_ITEMS = 4;

/** A random address in canonical text. */
export function randomAddress(): string {
  switch (randomInt(3)) {
    case 0:
      return [...randomBytes(4)].join(".");
    case 1:
      // No group is zero, so that there is nothing to shorten.
      return Array.from({ length: 8 }, () => randomInt(1, 0x1_0000).toString(16)).join(":");
    default:
      return pick(SPECIAL_ADDRESSES);
  }
}

/** A random `IP:port`. */
export function randomEndpoint(): string {
  const address = randomAddress().replace("%eth0", "");
  const port = randomInt(0x1_0000);
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Different random endpoints. */
export function randomEndpoints(): string[] {
  return [...new Set(list(randomEndpoint))];
}

/** A random node; absent and empty fields are left out, as both sides print them. */
export function randomAffiliate(): AffiliateData {
  return compact({
    addresses: list(randomAddress),
    hostname: pick(NAMES),
    nodename: pick(NAMES),
    machineType: pick(MACHINE_TYPES),
    operatingSystem: pick(["", "Talos (v1.15.0)"]),
    kubespan:
      randomInt(2) === 0
        ? undefined
        : compact({
            publicKey: randomBytes(32).toString("base64"),
            address: pick(["", randomAddress()]),
            additionalAddresses: list(randomPrefix),
            excludeAdvertisedNetworks: list(randomPrefix),
          }),
    controlPlane: randomInt(2) === 0 ? undefined : { port: pick([0, 6443, 65535]) },
  });
}

function randomPrefix(): string {
  if (randomInt(3) === 0) return pick(SPECIAL_PREFIXES);
  const address = randomAddress().replace("%eth0", "");
  return `${address}/${randomInt(address.includes(":") ? 129 : 33)}`;
}

function list<Item>(make: () => Item): Item[] {
  return Array.from({ length: randomInt(MOST_LIST_ITEMS + 1) }, make);
}

function pick<Item>(items: readonly Item[]): Item {
  return items[randomInt(items.length)] as Item;
}

function compact<Fields extends object>(fields: Fields): Fields {
  const kept = Object.entries(fields).filter(
    ([, value]) =>
      value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(kept) as Fields;
}
