/**
 * What commands ask of this machine's identity in the KubeSpan mesh.
 * @module
 */
import { networkInterfaces } from "node:os";
import { type KubeSpanIdentity, kubespanSubnet } from "../../kubespan/index.ts";
import { UsageError } from "../exit.ts";

/** What tunnels and other devices without a card have. */
const NO_MAC = "00:00:00:00:00:00";

/**
 * The MAC address of the machine's first network card that is up.
 *
 * @throws {UsageError} where it has none, as in some containers.
 */
export function firstMac(interfaces: typeof networkInterfaces = networkInterfaces): string {
  const card = Object.values(interfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, mac }) => !internal && mac !== NO_MAC);
  if (card !== undefined) return card.mac;
  throw new UsageError(
    "this machine has no network card that is up, to take an address from; see identity new --kubespan --mac",
  );
}

/**
 * Looks whether an identity is one of the cluster.
 *
 * @param path - Of its file.
 * @throws {UsageError} where it was made for another.
 */
export function requireCluster(
  { subnet }: KubeSpanIdentity,
  clusterId: string,
  path: string,
): void {
  const expected = kubespanSubnet(clusterId);
  if (subnet === expected) return;
  throw new UsageError(
    `${path}: made for another cluster, with the subnet ${subnet} and not ${expected}`,
  );
}
