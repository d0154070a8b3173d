/**
 * Where the cluster's secret comes from: a file, stdin, or the environment.
 * @module
 */
import { parse } from "yaml";
import { parseClusterSecret } from "../crypto/secrets.ts";
import { oneLine, UsageError } from "./exit.ts";
import type { Flags } from "./flags.ts";
import { readInputFile, shownPath } from "./input-file.ts";
import type { CliIo } from "./io.ts";

const SECRET_VARIABLE = "TALOS_DISCOVERY_CLUSTER_SECRET";

/** What a secret's source gave. */
export interface ClusterSecret {
  /** Base64 of 32 bytes, checked. */
  readonly secret: string;
  /** Where the source is a document that names its cluster too. */
  readonly clusterId?: string;
}

/**
 * Finds the secret: `--cluster-secret-file` on the command line, then the variable with the secret itself, then the variable
 * with the file's name.
 *
 * @throws {UsageError} which says where it was looked for and what was wrong there, without a character of it.
 */
export async function readClusterSecret(flags: Flags, io: CliIo): Promise<ClusterSecret> {
  const fromEnvironment = io.env[SECRET_VARIABLE];
  if (fromEnvironment && !flags.isGiven("cluster-secret-file")) {
    return parseSource(fromEnvironment, SECRET_VARIABLE);
  }
  const path = flags.text("cluster-secret-file");
  if (path === undefined) {
    throw new UsageError(`--cluster-secret-file is missing (or ${SECRET_VARIABLE})`);
  }
  return path === "-"
    ? parseSource(await io.readStdin(), "stdin")
    : parseSource(await readInputFile(path), shownPath(path));
}

/**
 * Reads a secret on its own, or a document with `clusterID` and `clusterSecret` as `cluster new` writes it.
 *
 * @param where - For errors.
 */
function parseSource(text: string, where: string): ClusterSecret {
  const found = /^\s*\S*\s*$/.test(text) ? { secret: text.trim() } : parseDocument(text);
  if (found === undefined) {
    throw new UsageError(`${where}: neither a cluster secret nor a document with clusterSecret`);
  }
  try {
    parseClusterSecret(found.secret);
  } catch (error) {
    throw new UsageError(`${where}: ${oneLine(error)}`, { cause: error });
  }
  return found;
}

function parseDocument(text: string): ClusterSecret | undefined {
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    return undefined;
  }
  if (typeof document !== "object" || document === null) return undefined;
  const { clusterID, clusterSecret } = document as Readonly<Record<string, unknown>>;
  if (typeof clusterSecret !== "string") return undefined;
  return typeof clusterID === "string"
    ? { secret: clusterSecret, clusterId: clusterID }
    : { secret: clusterSecret };
}
