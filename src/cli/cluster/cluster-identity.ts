/**
 * Which cluster is meant, and its secret: from a Talos configuration, from a file or the
 * environment, never from an argument.
 * @module
 */
import type { Command } from "commander";
import { type DiscoveryConfig, parseDiscoveryConfig } from "../../config/index.ts";
import { base64Of, parseClusterSecret } from "../../crypto/secrets.ts";
import { MAX_CLUSTER_ID_BYTES } from "../../protocol/limits.ts";
import { oneLine, UsageError } from "../exit.ts";
import { type FlagSource, type Flags, flag } from "../flags/flags.ts";
import { readInputFile, shownPath } from "../input-file.ts";
import type { CliIo } from "../io.ts";

/** Base64 in several lines, as some editors and mail programs leave it. */
const WRAPPED_BASE64 = /^[A-Za-z0-9+/_\r\n-]*=*$/;

/** The secret itself, for who has it there anyway. */
export const SECRET_VARIABLE = "TALOS_DISCOVERY_CLUSTER_SECRET";

/** What a command was told of its cluster. */
export interface ClusterIdentity {
  readonly clusterId: string | undefined;
  /** Base64 of 32 bytes, checked. */
  readonly clusterSecret: string | undefined;
  /** `false` if it was given as Go accepts it, with bits in its last digit that mean nothing. */
  readonly isSecretCanonical: boolean;
  readonly clusterName: string | undefined;
  /** All of `--config`, where it is given. */
  readonly config: DiscoveryConfig | undefined;
}

/** Something that names a cluster, its secret, or both. */
interface IdentitySource {
  /** For errors: the flag or variable. */
  readonly origin: string;
  readonly source: FlagSource;
  readonly clusterId?: string | undefined;
  readonly clusterSecret?: string | undefined;
  /** Where the secret was found. */
  readonly secretText?: string | undefined;
}

/** Adds the flags that {@link readClusterIdentity} reads. */
export function addClusterIdentityFlags(command: Command): Command {
  return command
    .addOption(
      flag(
        "--config <file>",
        "Talos machine configuration or discovery documents, or - for stdin: cluster, secret and services",
      ),
    )
    .addOption(
      flag("--cluster-id <id>", "the cluster's ID; needless where the secret's file has it"),
    )
    .addOption(
      flag(
        "--cluster-secret-file <file>",
        "file with the cluster's secret, or - for stdin; or the secret itself in TALOS_DISCOVERY_CLUSTER_SECRET",
      ),
    );
}

/**
 * Reads `--config`, `--cluster-id` and `--cluster-secret-file`. What stands on the command line
 * goes before what is in the environment; where two of the same rank differ, neither is taken.
 *
 * @throws {UsageError} which says where the mistake is, without a character of a secret.
 */
export async function readClusterIdentity(flags: Flags, io: CliIo): Promise<ClusterIdentity> {
  const sources: IdentitySource[] = [];
  const givenId = flags.parsed("cluster-id", checkClusterId);
  if (givenId !== undefined) {
    sources.push({ ...sourceOf(flags, "cluster-id"), clusterId: givenId });
  }
  const { config, text: secretText } = await readConfig(flags, io);
  if (config !== undefined) {
    const { clusterId, clusterSecret } = config;
    sources.push({ ...sourceOf(flags, "config"), clusterId, clusterSecret, secretText });
  }
  const isSettled = config?.clusterSecret !== undefined && flags.isGiven("config");
  const secret =
    isSettled && !flags.isGiven("cluster-secret-file") ? undefined : await readSecret(flags, io);
  if (secret !== undefined) sources.push({ ...secret, clusterId: undefined });
  const clusterSecret = choose(sources, "clusterSecret", "cluster secrets");
  return {
    // The ID beside a secret is a convenience: what names the cluster itself goes before it.
    clusterId: choose(sources, "clusterId", "cluster IDs") ?? secret?.clusterId,
    clusterSecret,
    isSecretCanonical: sources.every((source) => isCanonicalIn(source, clusterSecret)),
    clusterName: config?.clusterName,
    config,
  };
}

/** Whether a source has the secret as it is written here; line ends and indentation aside. */
function isCanonicalIn(source: IdentitySource, clusterSecret: string | undefined): boolean {
  const { secretText } = source;
  if (clusterSecret === undefined || source.clusterSecret !== clusterSecret) return true;
  return secretText === undefined || secretText.replaceAll(/\s/g, "").includes(clusterSecret);
}

/** @returns The value of the highest rank. */
function choose(
  sources: readonly IdentitySource[],
  key: "clusterId" | "clusterSecret",
  what: string,
): string | undefined {
  const having = sources.filter((source) => source[key] !== undefined);
  const onCommandLine = having.filter(({ source }) => source === "flag");
  const [first, ...others] = onCommandLine.length > 0 ? onCommandLine : having;
  const rival = others.find((other) => other[key] !== first?.[key]);
  if (first !== undefined && rival !== undefined) {
    throw new UsageError(`${first.origin} and ${rival.origin}: two different ${what}`);
  }
  return first?.[key];
}

function sourceOf(flags: Flags, name: string): Pick<IdentitySource, "origin" | "source"> {
  return { origin: flags.origin(name), source: flags.source(name) };
}

async function readConfig(
  flags: Flags,
  io: CliIo,
): Promise<{ readonly config?: DiscoveryConfig; readonly text?: string }> {
  const path = flags.text("config");
  if (path === undefined) return {};
  const { text, where } = await readFileOrStdin(path, io);
  const config = parseDiscoveryConfig(text, { source: where });
  checkDocumentedId(config.clusterId, where);
  return { config, text };
}

/**
 * The file on the command line, then the variable with the secret itself, then the variable with
 * the file's name.
 */
async function readSecret(flags: Flags, io: CliIo): Promise<IdentitySource | undefined> {
  const fromEnvironment = io.env[SECRET_VARIABLE];
  if (fromEnvironment && !flags.isGiven("cluster-secret-file")) {
    const origin = { origin: SECRET_VARIABLE, source: "environment" } as const;
    return { ...origin, ...parseSecret(fromEnvironment, SECRET_VARIABLE) };
  }
  const path = flags.text("cluster-secret-file");
  if (path === undefined) return undefined;
  if (path === "-" && flags.text("config") === "-") {
    throw new UsageError("--config and --cluster-secret-file: stdin can be only one of them");
  }
  const { text, where } = await readFileOrStdin(path, io);
  return { ...sourceOf(flags, "cluster-secret-file"), ...parseSecret(text, where) };
}

/**
 * Reads a secret on its own, or a configuration that has it, such as the document that
 * `cluster new` writes.
 */
function parseSecret(
  text: string,
  where: string,
): Pick<IdentitySource, "clusterId" | "clusterSecret" | "secretText"> {
  const word = text.trim();
  if (/^\S*$/.test(word) || WRAPPED_BASE64.test(word)) {
    try {
      return { clusterSecret: base64Of(parseClusterSecret(word)), secretText: word };
    } catch (error) {
      throw new UsageError(`${where}: ${oneLine(error)}`, { cause: error });
    }
  }
  const { clusterId, clusterSecret } = parseDiscoveryConfig(text, {
    source: `${where}: no cluster secret`,
  });
  checkDocumentedId(clusterId, where);
  if (clusterSecret !== undefined) return { clusterId, clusterSecret, secretText: text };
  throw new UsageError(`${where}: neither a cluster secret nor a document with clusterSecret`);
}

async function readFileOrStdin(path: string, io: CliIo): Promise<{ text: string; where: string }> {
  return path === "-"
    ? { text: await io.readStdin(), where: "stdin" }
    : { text: await readInputFile(path, io), where: shownPath(path) };
}

function checkClusterId(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_CLUSTER_ID_BYTES) return text;
  throw new RangeError(`is ${bytes} bytes long, more than ${MAX_CLUSTER_ID_BYTES}`);
}

/** Talos takes an ID of any length; services do not. */
function checkDocumentedId(clusterId: string | undefined, where: string): void {
  try {
    checkClusterId(clusterId ?? "");
  } catch (error) {
    throw new UsageError(`${where}: the cluster's ID ${oneLine(error)}`, { cause: error });
  }
}
