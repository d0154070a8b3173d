/**
 * Lists of hosts that cannot publish themselves, as people write them.
 * @module
 */
import { type ConfigMap, ConfigText } from "../../config/documents.ts";
import { DiscoveryError } from "../../errors.ts";
import { canonicalAddress, canonicalEndpoint, canonicalPrefix } from "../../net/canonical.ts";
import { scanPort } from "../../net/endpoint.ts";
import { quote } from "../../net/quote.ts";
import { type AffiliateSpec, createAffiliateSpec } from "../../resources/affiliate.ts";
import { isWireguardKey } from "../../resources/wireguard-key.ts";

const KEYS = [
  ...["nodeId", "nodename", "hostname", "addresses", "machineType", "operatingSystem"],
  ...["endpoints", "kubespan", "controlPlane"],
];
const KUBESPAN_KEYS = ["publicKey", "address", "additionalAddresses", "excludeAdvertisedNetworks"];
const CONTROL_PLANE_KEYS = ["port"];

const MACHINE_TYPES = ["controlplane", "init", "worker", "unknown"];

/**
 * Stands before the name in the node ID of a host that has none: no identity of a node has a
 * hyphen.
 */
const ID_PREFIX = "static-";

/** A DNS name, also with underscores and dots, of a length that DNS takes. */
const NAME_FORM = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/**
 * Reads a list of hosts.
 *
 * Each is a mapping with `nodename` or `hostname`, and as wanted `addresses` (IPs), `machineType`,
 * `operatingSystem`, `endpoints` (`IP:port`), `kubespan` (`publicKey`, `address`,
 * `additionalAddresses`, `excludeAdvertisedNetworks`), `controlPlane` (`port`). Of the two names,
 * one that is missing is as the other; a machine type that is missing is `unknown`.
 *
 * A host without a `nodeId` gets `static-` and its `nodename` for one, which stays the same as long
 * as the name does, and is no node's identity. With a `nodeId`, the record is about a node that
 * others may know as well: it adds to what they say, and replaces only what it names, so that
 * neither name is needed.
 *
 * @param text - YAML, of which JSON is a part: a list, `[]` for no hosts.
 * @param source - What errors call it: a path.
 * @returns In the order of the list.
 * @throws {DiscoveryError} `ERR_STATIC_MEMBERS_INVALID`, which names every problem by source, line
 *   and key; of two records of one node, one name or one public key, both.
 * @example
 * parseStaticMembers('[{ nodename: nas, addresses: [192.0.2.9] }]', "hosts.yaml")[0]?.nodeId; // "static-nas"
 */
export function parseStaticMembers(text: string, source: string): AffiliateSpec[] {
  if (typeof text !== "string") throw new TypeError("text: not a string");
  if (text.replaceAll(/^\uFEFF|#.*$|^---$/gm, "").trim() === "") {
    // More often a file that is being written than the wish to have no hosts.
    throw invalid(source, [{ line: 1, key: "", reason: "is empty: no hosts are []" }]);
  }
  const list = new ConfigText(text, "lists");
  const seen = new Map<string, number>();
  const affiliates = list.documents.map((host) => readHost(host, seen));
  if (list.problems.length > 0) throw invalid(source, list.problems);
  return affiliates;
}

function readHost(host: ConfigMap, seen: Map<string, number>): AffiliateSpec {
  checkKeys(host, KEYS);
  const givenId = host.text("nodeId");
  const hostname = readName(host, "hostname", host.text("hostname"));
  const isNeeded = givenId === undefined && !host.has("hostname");
  const nodename = readName(
    host,
    "nodename",
    isNeeded ? host.requiredText("nodename") : host.text("nodename"),
  );
  const nameKey = nodename === undefined ? "hostname" : "nodename";
  const name = nodename ?? (givenId === undefined ? hostname : undefined);
  const nodeId = givenId ?? ID_PREFIX + name;
  const kubespan = host.map("kubespan");
  if (kubespan !== undefined) checkKeys(kubespan, KUBESPAN_KEYS);
  const publicKey = kubespan && readPublicKey(kubespan);
  const isNewName = name === undefined || claim(host, nameKey, `name ${name}`, seen);
  // One of the two is enough to say: a name that stands twice gives one ID twice.
  if (givenId !== undefined || (name !== undefined && isNewName)) {
    claim(host, givenId === undefined ? nameKey : "nodeId", `ID ${nodeId}`, seen);
  }
  if (kubespan !== undefined && publicKey !== undefined) {
    claim(kubespan, "publicKey", `key ${publicKey}`, seen);
  }
  return createAffiliateSpec({
    nodeId,
    nodename: name,
    hostname: hostname ?? (givenId === undefined ? name : undefined),
    addresses: readItems(host, "addresses", "IP address", canonicalAddress),
    operatingSystem: host.text("operatingSystem"),
    machineType: readMachineType(host),
    endpoints: readItems(host, "endpoints", "IP:port", canonicalEndpoint),
    kubespan: kubespan && {
      publicKey,
      address: readAddress(kubespan, "address"),
      additionalAddresses: readItems(kubespan, "additionalAddresses", "prefix", canonicalPrefix),
      excludeAdvertisedNetworks: readItems(
        kubespan,
        "excludeAdvertisedNetworks",
        "prefix",
        canonicalPrefix,
      ),
    },
    controlPlane: readControlPlane(host.map("controlPlane")),
  });
}

/** A misspelt key would else do nothing, in silence. */
function checkKeys(map: ConfigMap, known: readonly string[]): void {
  for (const key of map.keys) {
    if (key !== "<<" && !known.includes(key)) map.report(key, "is no key of a host");
  }
}

function readName(host: ConfigMap, key: string, name: string | undefined): string | undefined {
  if (name === undefined || NAME_FORM.test(name)) return name;
  host.report(key, "is no host name");
  return undefined;
}

function readMachineType(host: ConfigMap): string {
  const machineType = host.text("machineType") ?? "unknown";
  if (!MACHINE_TYPES.includes(machineType)) {
    host.report("machineType", `is none of ${MACHINE_TYPES.join(", ")}`);
  }
  return machineType;
}

function readPublicKey(kubespan: ConfigMap): string | undefined {
  const publicKey = kubespan.text("publicKey");
  if (publicKey === undefined || isWireguardKey(publicKey)) return publicKey;
  kubespan.report("publicKey", "is no base64 of the 32 bytes of a key");
  return undefined;
}

function readControlPlane(controlPlane: ConfigMap | undefined): { port: number } | undefined {
  if (controlPlane === undefined) return undefined;
  checkKeys(controlPlane, CONTROL_PLANE_KEYS);
  const text = controlPlane.requiredText("port");
  const port = scanPort(text ?? "");
  if (text !== undefined && port === undefined) controlPlane.report("port", "is no port");
  return port === undefined ? undefined : { port };
}

function readAddress(map: ConfigMap, key: string): string | undefined {
  const text = map.text(key);
  return text === undefined ? undefined : canonical(map, key, text, "IP address", canonicalAddress);
}

function readItems(
  map: ConfigMap,
  key: string,
  what: string,
  parse: (text: string) => string,
): readonly string[] {
  return map.texts(key).map((text) => canonical(map, key, text, what, parse));
}

function canonical(
  map: ConfigMap,
  key: string,
  text: string,
  what: string,
  parse: (text: string) => string,
): string {
  try {
    return parse(text);
  } catch {
    map.report(key, `${quote(text)} is no ${what}`);
    return text;
  }
}

/** Notes where stands what only one host may have. @returns Whether it is the first. */
function claim(map: ConfigMap, key: string, what: string, seen: Map<string, number>): boolean {
  const line = seen.get(what);
  if (line === undefined) seen.set(what, map.lineOf(key));
  else map.report(key, `is that of line ${line} too`);
  return line === undefined;
}

function invalid(
  source: string,
  problems: readonly { readonly line: number; readonly key: string; readonly reason: string }[],
): DiscoveryError {
  const lines = problems.map(({ line, key, reason }) =>
    [source, `line ${line}`, ...(key === "" ? [] : [key]), reason].join(": "),
  );
  return new DiscoveryError("ERR_STATIC_MEMBERS_INVALID", lines.join("; "));
}
