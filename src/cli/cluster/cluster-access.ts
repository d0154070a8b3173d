/**
 * The flags that name a cluster and where it is known, for every command that needs one.
 * @module
 */
import { X509Certificate } from "node:crypto";
import type { Command } from "commander";
import { parseServiceUrl, type TransportFactory } from "../../client/index.ts";
import { DEFAULT_SERVICE_ENDPOINT, type DiscoveryConfig } from "../../config/index.ts";
import { grpcTransport } from "../../node/transport/grpc-transport.ts";
import { oneLine, UsageError } from "../exit.ts";
import { type Flags, flag, listFlag } from "../flags/flags.ts";
import { readInputFile, shownPath } from "../input-file.ts";
import type { CliIo } from "../io.ts";
import {
  addClusterIdentityFlags,
  type ClusterIdentity,
  readClusterIdentity,
  SECRET_VARIABLE,
} from "./cluster-identity.ts";

/** In the place of a service: none. */
const NO_SERVICE = "off";

/** In the place of a kubeconfig: the service account of the pod that this runs in. */
export const IN_CLUSTER = "in-cluster";

const NOBODY_TO_ASK = `--service: ${NO_SERVICE}, and neither --kubeconfig nor --static is given`;

/** A discovery service. */
export interface ClusterService {
  /** As the configuration names it; else `host:port`. */
  readonly name: string;
  /** As it was given, without a user and a password. */
  readonly url: string;
  /** `host:port` */
  readonly host: string;
}

/** A cluster, and the registries that know of it: at least one. */
export interface ClusterAccess {
  /** There where `services` has any, unless less was asked for. */
  readonly clusterId: string | undefined;
  /** Base64 of 32 bytes; there like the ID. */
  readonly clusterSecret: string | undefined;
  /** As of `ClusterIdentity`. */
  readonly isSecretCanonical?: boolean | undefined;
  readonly clusterName: string | undefined;
  readonly services: readonly ClusterService[];
  /** Path of a kubeconfig, or {@link IN_CLUSTER}. */
  readonly kubeconfig: string | undefined;
  /** Path of a list of members. */
  readonly staticFile: string | undefined;
  /** PEM certificates to trust besides those of Node.js. */
  readonly ca: string | undefined;
  /** Ends the wait for a file that is a FIFO. */
  readonly signal?: AbortSignal | undefined;
  readonly transport: TransportFactory;
}

/** Options of {@link readClusterAccess}. */
export interface ReadClusterAccessOptions {
  /** Whether services may be named without the cluster's ID and secret. @default false */
  readonly isPartial?: boolean;
}

/** Adds the flags that {@link readClusterAccess} reads. */
export function addClusterFlags(command: Command): Command {
  return addClusterIdentityFlags(command)
    .addOption(
      listFlag(
        "--service <url>",
        `a discovery service, instead of those of --config (default: ${DEFAULT_SERVICE_ENDPOINT}), or ${NO_SERVICE}`,
      ),
    )
    .addOption(
      flag(
        "--kubeconfig <file>",
        `ask Kubernetes as well, through this file, or ${IN_CLUSTER} as a pod`,
      ),
    )
    .addOption(flag("--static <file>", "members from a YAML or JSON file as well"))
    .addOption(flag("--ca-file <file>", "PEM certificates to trust besides those of Node.js"));
}

/**
 * @throws {UsageError} for a flag that is missing or wrong, and where no registry is left to ask.
 */
export async function readClusterAccess(
  flags: Flags,
  io: CliIo,
  { isPartial = false }: ReadClusterAccessOptions = {},
): Promise<ClusterAccess> {
  const given = flags.parsedList("service", parseService);
  const kubeconfig = flags.text("kubeconfig");
  const staticFile = flags.text("static");
  const caFile = flags.text("ca-file");
  const ca = caFile === undefined ? undefined : await readCertificates(caFile, io);
  const { config, ...identity } = await readClusterIdentity(flags, io);
  const hasOthers = kubeconfig !== undefined || staticFile !== undefined;
  const services = given.length > 0 ? named(given) : servicesOf(identity, config, hasOthers, flags);
  if (services.length > 0 && !isPartial) checkComplete(identity, config, flags);
  else if (services.length === 0 && !hasOthers) {
    throw new UsageError(given.length > 0 ? NOBODY_TO_ASK : nobodyToAsk(config, flags));
  }
  return {
    ...identity,
    services,
    kubeconfig,
    staticFile,
    ca,
    signal: io.signal,
    transport: (target, options) => grpcTransport(target, { ...options, ca, env: io.env }),
  };
}

/** Whether any flag names a cluster or a registry, for commands that need none. */
export function isClusterGiven(flags: Flags, io: CliIo): boolean {
  const names = ["config", "cluster-id", "cluster-secret-file", "service", "kubeconfig", "static"];
  const isGiven = (name: string) => flags.source(name) !== "default";
  return names.some(isGiven) || Boolean(io.env[SECRET_VARIABLE]);
}

/**
 * Who answers for a cluster: `host:port` of each service, then the names of other registries, with
 * commas.
 */
export function registriesOf({ services, kubeconfig, staticFile }: ClusterAccess): string {
  return [
    ...services.map(({ host }) => host),
    ...(kubeconfig === undefined ? [] : ["k8s"]),
    ...(staticFile === undefined ? [] : ["static"]),
  ].join(",");
}

/** Reads which cluster it is, where no registry is asked. */
export async function readClusterNames(
  flags: Flags,
  io: CliIo,
): Promise<{ readonly clusterId: string; readonly clusterName: string | undefined }> {
  const { clusterId, clusterName } = await readClusterIdentity(flags, io);
  return { clusterId: clusterId ?? flags.requiredText("cluster-id"), clusterName };
}

type ServiceChoice = ClusterService | typeof NO_SERVICE;

function parseService(text: string): ServiceChoice {
  if (text === NO_SERVICE) return NO_SERVICE;
  const service = placeOf(text);
  return { name: service.host, ...service };
}

/** Each once; two that differ in the scheme alone are called by their URLs. */
function named(choices: readonly ServiceChoice[]): ClusterService[] {
  const services = choices.filter((choice) => choice !== NO_SERVICE);
  if (services.length < choices.length && services.length > 0) {
    throw new UsageError(`--service: ${NO_SERVICE} and ${services[0]?.url} exclude each other`);
  }
  const distinct = [
    ...new Map(services.map((service) => [parseServiceUrl(service.url).baseUrl, service])).values(),
  ];
  return distinct.map((service) => {
    const isAmbiguous = distinct.some((other) => other !== service && other.host === service.host);
    return isAmbiguous ? { ...service, name: service.url } : service;
  });
}

/** The services where no flag names any. */
function servicesOf(
  { clusterId, clusterSecret }: Pick<ClusterIdentity, "clusterId" | "clusterSecret">,
  config: DiscoveryConfig | undefined,
  hasOthers: boolean,
  flags: Flags,
): ClusterService[] {
  if (config?.enabled !== undefined) {
    return config.services.map(({ name, endpoint }) => {
      const where = `${configPath(flags)}: service ${name}`;
      return { ...parseConfigured(endpoint, where), name };
    });
  }
  // Who names a cluster wants it asked for; who names Kubernetes or a file alone may mean just
  // that.
  const isWanted = clusterId !== undefined || clusterSecret !== undefined || !hasOthers;
  return isWanted ? named([parseService(DEFAULT_SERVICE_ENDPOINT)]) : [];
}

function parseConfigured(endpoint: string, where: string): Omit<ClusterService, "name"> {
  try {
    return placeOf(endpoint);
  } catch (error) {
    throw new UsageError(`${where}: ${oneLine(error)}`, { cause: error });
  }
}

/** A user and a password mean nothing to a service, and are not for what is printed. */
function placeOf(text: string): Omit<ClusterService, "name"> {
  const url = text.replace(/^([a-z]+:\/\/)[^/?#]*@/i, "$1");
  const { host, port } = parseServiceUrl(url);
  return { url, host: `${host}:${port}` };
}

/** A service needs to know the cluster's ID, and we its secret. */
function checkComplete(
  { clusterId, clusterSecret }: Pick<ClusterIdentity, "clusterId" | "clusterSecret">,
  config: DiscoveryConfig | undefined,
  flags: Flags,
): void {
  const hint = (what: string): string =>
    config === undefined ? "" : `${configPath(flags)} has no ${what}, and `;
  if (clusterSecret === undefined) {
    throw new UsageError(
      `${hint("cluster secret")}--cluster-secret-file is missing (or ${SECRET_VARIABLE})`,
    );
  }
  if (clusterId === undefined) {
    throw new UsageError(
      `${hint("cluster ID")}--cluster-id is missing (or TALOS_DISCOVERY_CLUSTER_ID)`,
    );
  }
}

/** Why a configuration names nobody. */
function nobodyToAsk(config: DiscoveryConfig | undefined, flags: Flags): string {
  const path = configPath(flags);
  if (config?.enabled !== true) {
    return `${path}: discovery is off; --service names a service to ask all the same`;
  }
  return config.kubernetes
    ? `${path}: only the Kubernetes registry is on, and --kubeconfig is missing`
    : `${path}: both registries are disabled; --service names a service to ask all the same`;
}

/** For errors; with the variable that names it, which to `serve` means a file of another kind. */
function configPath(flags: Flags): string {
  const given = flags.text("config") ?? "";
  const path = given === "-" ? "stdin" : shownPath(given);
  return flags.isGiven("config") ? path : `${flags.origin("config")}: ${path}`;
}

async function readCertificates(path: string, io: CliIo): Promise<string> {
  const pem = await readInputFile(path, io);
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw new UsageError(`${shownPath(path)}: no PEM certificate`, { cause: error });
  }
  return pem;
}
