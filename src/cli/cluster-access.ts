/**
 * The flags that name a cluster and the service where it meets, for every command that needs one.
 * @module
 */
import { X509Certificate } from "node:crypto";
import type { Command } from "commander";
import { parseServiceUrl, type TransportFactory } from "../client/index.ts";
import { grpcTransport } from "../node/transport.ts";
import { MAX_CLUSTER_ID_BYTES } from "../protocol/limits.ts";
import { readClusterSecret } from "./cluster-secret.ts";
import { UsageError } from "./exit.ts";
import { type Flags, flag } from "./flags.ts";
import { readInputFile, shownPath } from "./input-file.ts";
import type { CliIo } from "./io.ts";

/** Talos' own default. */
const DEFAULT_SERVICE = "https://discovery.talos.dev/";

/** A cluster that can be reached. */
export interface ClusterAccess {
  readonly clusterId: string;
  /** Base64 of 32 bytes. */
  readonly clusterSecret: string;
  /** The URL as it was given. */
  readonly service: string;
  /** `host:port` of the service. */
  readonly serviceHost: string;
  readonly transport: TransportFactory;
}

/** Adds the flags that {@link readClusterAccess} reads. */
export function addClusterFlags(command: Command): Command {
  return command
    .addOption(
      flag("--cluster-id <id>", "the cluster's ID; needless where the secret's file has it"),
    )
    .addOption(
      flag(
        "--cluster-secret-file <file>",
        "file with the cluster's secret, or - for stdin; or the secret itself in TALOS_DISCOVERY_CLUSTER_SECRET",
      ),
    )
    .addOption(flag("--service <url>", "the discovery service", DEFAULT_SERVICE))
    .addOption(flag("--ca-file <file>", "PEM certificates to trust besides the system's"));
}

/** @throws {UsageError} for a flag that is missing or wrong. */
export async function readClusterAccess(flags: Flags, io: CliIo): Promise<ClusterAccess> {
  const url = flags.parsed("service", parseServiceUrl) ?? parseServiceUrl(DEFAULT_SERVICE);
  const givenId = flags.parsed("cluster-id", checkClusterId);
  const caFile = flags.text("ca-file");
  const ca = caFile === undefined ? undefined : await readCertificates(caFile);
  const { secret, clusterId: documentedId } = await readClusterSecret(flags, io);
  return {
    clusterId: givenId ?? documentedId ?? flags.requiredText("cluster-id"),
    clusterSecret: secret,
    service: flags.requiredText("service"),
    serviceHost: `${url.host}:${url.port}`,
    transport: (target, options) => grpcTransport(target, { ...options, ca, env: io.env }),
  };
}

function checkClusterId(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_CLUSTER_ID_BYTES) return text;
  throw new RangeError(`is ${bytes} bytes long, more than ${MAX_CLUSTER_ID_BYTES}`);
}

async function readCertificates(path: string): Promise<string> {
  const pem = await readInputFile(path);
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw new UsageError(`${shownPath(path)}: no PEM certificate`, { cause: error });
  }
  return pem;
}
