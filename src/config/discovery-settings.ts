/**
 * The two forms in which discovery is configured, and where they exclude each other; the machine's
 * configuration proper is the document without a kind.
 * @module
 */
import { base64Of, parseClusterSecret } from "../crypto/secrets.ts";
import type { ConfigMap } from "./documents.ts";

/** A discovery service that a configuration names. */
export interface ConfiguredService {
  /** The document's name; `legacy` for the one of `.cluster.discovery`. */
  readonly name: string;
  /** `http`, `https` or `grpc` URL, as it was written. */
  readonly endpoint: string;
}

/** A cluster's discovery settings. `clusterSecret` is in no JSON, no inspection and no error. */
export interface DiscoveryConfig {
  /**
   * Whether nodes of this configuration discover each other at all. Absent where the documents do
   * not say: they name a cluster, and neither are a machine's configuration nor name a service.
   */
  readonly enabled: boolean | undefined;
  /** Absent where no document has it. */
  readonly clusterId: string | undefined;
  /** Base64 of 32 bytes; absent where no document has it. Not enumerable. */
  readonly clusterSecret: string | undefined;
  /** `.cluster.clusterName`. */
  readonly clusterName: string | undefined;
  /** `.cluster.controlPlane.endpoint`, the URL of the Kubernetes API. */
  readonly controlPlaneEndpoint: string | undefined;
  /** `.machine.type`, as it was written. */
  readonly machineType: string | undefined;
  /** Services to register with, in the order of the documents; none where that registry is off. */
  readonly services: readonly ConfiguredService[];
  /** Whether the Kubernetes registry is on. */
  readonly kubernetes: boolean;
}

/** Where nodes register unless they are told otherwise. */
export const DEFAULT_SERVICE_ENDPOINT = "https://discovery.talos.dev/";

/** The name of the older form's service. */
const LEGACY_NAME = "legacy";

const API_VERSION = "v1alpha1";
const IDENTITY_KIND = "DiscoveryIdentityConfig";
const SERVICE_KIND = "DiscoveryServiceConfig";

/** Schemes of a service's URL; `grpc` is TLS as well. */
const ENDPOINT_FORM = /^(?:https?|grpc):\/\/[^/?#\\\s]+(?:[/?#]\S*)?$/i;

/** Finds the document with `cluster` and `machine`. A second one is reported. */
export function findMachineConfig(documents: readonly ConfigMap[]): ConfigMap | undefined {
  const [found, second] = documents.filter(isMachineConfig);
  if (second !== undefined) {
    second.report(second.has("cluster") ? "cluster" : "machine", "stands in another document too");
  }
  return found;
}

/** Reads which cluster it is. */
export function readIdentity(
  documents: readonly ConfigMap[],
  machineConfig: ConfigMap | undefined,
): { readonly clusterId: string | undefined; readonly clusterSecret: string | undefined } {
  const cluster = machineConfig?.map("cluster");
  const id = cluster?.text("id");
  const secret = cluster && readSecret(cluster, "secret", cluster.text("secret"));
  const [identity, second] = documents.filter(isIdentity);
  second?.report("kind", `is ${IDENTITY_KIND} in another document too`);
  if (identity === undefined) return { clusterId: id, clusterSecret: secret };
  checkVersion(identity);
  for (const key of ["id", "secret"]) {
    if (cluster?.text(key) !== undefined) {
      cluster.report(key, `excludes a document of kind ${IDENTITY_KIND}: keep one of the two`);
    }
  }
  return {
    clusterId: identity.requiredText("clusterID"),
    clusterSecret: readSecret(identity, "clusterSecret", identity.requiredText("clusterSecret")),
  };
}

/** Reads where the cluster meets. */
export function readServices(
  documents: readonly ConfigMap[],
  machineConfig: ConfigMap | undefined,
): Pick<DiscoveryConfig, "enabled" | "services" | "kubernetes"> {
  const cluster = machineConfig?.map("cluster");
  const named = documents.filter((document) => document.text("kind") === SERVICE_KIND);
  const services = readServiceDocuments(named);
  const legacy = readLegacy(cluster?.map("discovery"));
  if (named.length === 0) {
    // Documents that name a cluster alone leave open whether and where it meets.
    const isOpen = machineConfig === undefined;
    return isOpen ? { ...legacy, enabled: undefined } : legacy;
  }
  if (cluster?.has("discovery")) {
    const why = `excludes documents of kind ${SERVICE_KIND}, also where it is empty: keep one of the two`;
    cluster.report("discovery", why);
  }
  return { enabled: true, services, kubernetes: false };
}

/** The kind may be left out where the keys are there. */
function isIdentity(document: ConfigMap): boolean {
  if (document.has("kind")) return document.text("kind") === IDENTITY_KIND;
  return document.has("clusterID") || document.has("clusterSecret");
}

function checkVersion(document: ConfigMap): void {
  const version = document.text("apiVersion");
  if (document.has("kind") && version !== API_VERSION) {
    document.report("apiVersion", version === undefined ? "is missing" : `is not ${API_VERSION}`);
  }
}

function readServiceDocuments(documents: readonly ConfigMap[]): ConfiguredService[] {
  const names = new Set<string>();
  return documents.flatMap((document) => {
    checkVersion(document);
    const name = document.requiredText("name");
    const endpoint = readEndpoint(document, document.requiredText("endpoint"));
    if (name !== undefined && names.has(name)) {
      document.report("name", "is that of another service too");
    }
    if (name !== undefined) names.add(name);
    return name === undefined || endpoint === undefined ? [] : { name, endpoint };
  });
}

/**
 * The older form: off without its block or without `enabled`; then both registries are on unless
 * disabled.
 */
function readLegacy(
  discovery: ConfigMap | undefined,
): Pick<DiscoveryConfig, "enabled" | "services" | "kubernetes"> {
  const registries = discovery?.map("registries");
  const service = registries?.map("service");
  const kubernetesIsOff = registries?.map("kubernetes")?.isOn("disabled") === true;
  const serviceIsOff = service?.isOn("disabled") === true;
  if (discovery?.isOn("enabled") !== true) {
    return { enabled: false, services: [], kubernetes: false };
  }
  return {
    enabled: true,
    services: serviceIsOff ? [] : [readLegacyService(service)],
    kubernetes: !kubernetesIsOff,
  };
}

function readLegacyService(service: ConfigMap | undefined): ConfiguredService {
  const endpoint = service && readEndpoint(service, service.text("endpoint"));
  return { name: LEGACY_NAME, endpoint: endpoint ?? DEFAULT_SERVICE_ENDPOINT };
}

function readEndpoint(map: ConfigMap, endpoint: string | undefined): string | undefined {
  if (endpoint === undefined || ENDPOINT_FORM.test(endpoint)) return endpoint;
  map.report("endpoint", "is no URL with the scheme https, http or grpc");
  return undefined;
}

function readSecret(map: ConfigMap, key: string, secret: string | undefined): string | undefined {
  if (secret === undefined) return undefined;
  try {
    // In one form, however it was written: secrets are compared.
    return base64Of(parseClusterSecret(secret));
  } catch (error) {
    // Its message tells of the length, never of the text.
    map.report(key, (error as Error).message);
    return undefined;
  }
}

function isMachineConfig(document: ConfigMap): boolean {
  return !document.has("kind") && (document.has("cluster") || document.has("machine"));
}
