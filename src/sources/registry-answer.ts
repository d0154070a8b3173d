/**
 * What a registry answers, looked at before it is believed: anybody may write one.
 * @module
 */
import { isDiscoveryError } from "../errors.ts";
import {
  type AffiliateSpec,
  createAffiliateSpec,
  type KubeSpanAffiliateSpec,
} from "../resources/affiliate.ts";
import type { RegistryStatus } from "./discovery-registry.ts";

const PHASES: readonly RegistryStatus["phase"][] = [
  "stopped",
  "connecting",
  "connected",
  "waiting",
];

/**
 * A copy whose keys stand in their order, so that equal ones have equal text.
 *
 * @throws {TypeError} that says what is wrong with it.
 */
export function readAffiliate(value: unknown): AffiliateSpec {
  const affiliate = readObject(value, "affiliate") as unknown as AffiliateSpec;
  const { kubespan, controlPlane } = affiliate;
  if (readText(affiliate.nodeId, "nodeId") === "") throw new TypeError("nodeId is empty");
  readList(affiliate.addresses, "addresses");
  readText(affiliate.hostname, "hostname");
  readText(affiliate.nodename, "nodename");
  readText(affiliate.operatingSystem, "operatingSystem");
  readText(affiliate.machineType, "machineType");
  if (kubespan !== undefined) readKubeSpan(kubespan);
  if (controlPlane !== undefined) {
    const { port } = readObject(controlPlane, "controlPlane");
    if (typeof port !== "number") throw new TypeError("controlPlane.port is no number");
  }
  return createAffiliateSpec({ ...affiliate, endpoints: kubespan?.endpoints });
}

/** @throws {TypeError} that says what is wrong with it. */
export function readStatus(value: unknown): RegistryStatus {
  const status = readObject(value, "status") as unknown as RegistryStatus;
  if (!PHASES.includes(status.phase)) throw new TypeError("status.phase is none of the known ones");
  readText(status.source, "status.source");
  if (status.lastError !== undefined && !isDiscoveryError(status.lastError)) {
    throw new TypeError("status.lastError is no DiscoveryError");
  }
  return status;
}

/** @throws {TypeError} */
export function readObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new TypeError(`${what} is no object`);
}

/** @throws {TypeError} */
export function readArray(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`${what} is no array`);
}

/** @throws {TypeError} */
export function readText(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`${what} is no text`);
}

function readKubeSpan(kubespan: KubeSpanAffiliateSpec): void {
  readObject(kubespan, "kubespan");
  readText(kubespan.publicKey, "kubespan.publicKey");
  readText(kubespan.address, "kubespan.address");
  readList(kubespan.additionalAddresses, "kubespan.additionalAddresses");
  readList(kubespan.endpoints, "kubespan.endpoints");
  readList(kubespan.excludeAdvertisedNetworks, "kubespan.excludeAdvertisedNetworks");
}

function readList(value: unknown, what: string): void {
  for (const item of readArray(value, what)) readText(item, `an item of ${what}`);
}
