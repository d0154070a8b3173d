/**
 * The network card that a machine is told by.
 * @module
 */
import { networkInterfaces } from "node:os";

/** What tunnels and other devices without a card have. */
const NO_MAC = "00:00:00:00:00:00";

/**
 * The MAC address of the machine's first network card that is up.
 *
 * @returns `undefined` where it has none, as in some containers.
 */
export function firstMac(
  interfaces: typeof networkInterfaces = networkInterfaces,
): string | undefined {
  return Object.values(interfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, mac }) => !internal && mac !== NO_MAC)?.mac;
}
