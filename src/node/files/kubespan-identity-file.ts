/**
 * A node's identity in the mesh on disk, as Talos keeps it in `kubespan-identity.yaml`: lines of
 * `address` and `subnet` (CIDR prefixes), `privateKey` and `publicKey` (base64).
 * @module
 */
import type { SignalOptions } from "../../async/waits.ts";
import {
  generateKubeSpanIdentity,
  type KubeSpanIdentity,
  type KubeSpanPlace,
  kubespanIdentity,
} from "../../kubespan/identity.ts";
import { contains, formatPrefix, type Prefix, parsePrefix } from "../../net/prefix.ts";
import { createKeptFile, invalidFile, parseEntries, readKeptFile } from "./kept-file.ts";

const ADDRESS_BITS = 128;
const SUBNET_BITS = 64;

/**
 * Reads an identity file. Keys that are not known here are passed over.
 *
 * @param options - `signal` ends the wait for a file that is a FIFO.
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE` where there is no file, so that one may be
 *   created. `ERR_IDENTITY_FILE_INVALID`, naming the path and repeating nothing of the file, for
 *   one that cannot be read, lacks a part, or whose parts do not belong together.
 * @example
 * const { address, publicKey } = await loadKubeSpanIdentity("kubespan-identity.yaml");
 */
export async function loadKubeSpanIdentity(
  path: string,
  options?: SignalOptions,
): Promise<KubeSpanIdentity> {
  const entries = parseEntries(
    path,
    await readKeptFile(path, options),
    "lines such as address: <prefix>",
  );
  const part = (key: string): string => {
    const value = entries.get(key);
    if (value === undefined) throw invalidFile(path, `no ${key}`);
    return value;
  };
  const prefixOf = (key: string, bits: number): Prefix => {
    const prefix = tryParsePrefix(part(key));
    if (prefix?.bits === bits && prefix.ip.length * 8 === ADDRESS_BITS) return prefix;
    throw invalidFile(path, `${key} is not an IPv6 prefix of ${bits} bits`);
  };
  const address = prefixOf("address", ADDRESS_BITS);
  const subnet = prefixOf("subnet", SUBNET_BITS);
  if (!contains(subnet, address.ip)) throw invalidFile(path, "address is not in subnet");
  let identity: KubeSpanIdentity;
  try {
    identity = kubespanIdentity({
      address: formatPrefix(address),
      subnet: formatPrefix(subnet),
      privateKey: part("privateKey"),
    });
  } catch (error) {
    throw invalidFile(path, error instanceof Error ? error.message : "no privateKey", error);
  }
  if (part("publicKey") !== identity.publicKey) {
    throw invalidFile(path, "publicKey does not belong to privateKey");
  }
  return identity;
}

/**
 * Makes a new identity and its file, which its owner alone may read.
 *
 * @throws {RangeError} for an empty cluster ID. {DiscoveryError} `ERR_MAC_INVALID`;
 *   `ERR_IDENTITY_FILE_INVALID`, naming the path, where there is a file already, or none can be
 *   written.
 */
export async function createKubeSpanIdentity(
  path: string,
  place: KubeSpanPlace,
): Promise<KubeSpanIdentity> {
  const identity = generateKubeSpanIdentity(place);
  const { address, subnet, privateKey, publicKey } = identity;
  await createKeptFile(
    path,
    `address: ${address}\nsubnet: ${subnet}\nprivateKey: ${privateKey}\npublicKey: ${publicKey}\n`,
  );
  return identity;
}

function tryParsePrefix(text: string): Prefix | undefined {
  try {
    return parsePrefix(text);
  } catch {
    return undefined;
  }
}
