/**
 * A node's identity on disk: `node-identity.yaml`, one line `nodeId: <base62>`.
 *
 * It is made once and kept: a new identity is a new node to everyone else. So nothing here replaces a file, however
 * broken it is.
 * @module
 */
import { open, readFile, unlink } from "node:fs/promises";
import { DiscoveryError } from "../errors.ts";
import { generateNodeId, parseNodeId } from "../identity/node-id.ts";

/** Readable and writable by its owner alone. */
const FILE_MODE = 0o600;

export interface NodeIdentity {
  /** Base62. */
  readonly nodeId: string;
}

/**
 * Reads an identity file.
 *
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE` where there is no file, so that one may be created.
 * `ERR_IDENTITY_FILE_INVALID`, naming the path, for one that cannot be read, is empty, or holds no valid identity.
 */
export async function loadNodeIdentity(path: string): Promise<NodeIdentity> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) {
      throw new DiscoveryError("ERR_FILE_UNREADABLE", `${path}: no such file`, { cause: error });
    }
    throw invalid(path, "cannot be read", error);
  }
  const nodeId = findNodeId(path, text);
  try {
    parseNodeId(nodeId);
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : "no node ID", error);
  }
  return { nodeId };
}

/**
 * Makes a new identity and its file, which its owner alone may read.
 *
 * @throws {DiscoveryError} `ERR_IDENTITY_FILE_INVALID`, naming the path, where there is a file already, or none can be
 * written.
 */
export async function createNodeIdentity(path: string): Promise<NodeIdentity> {
  const nodeId = generateNodeId();
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, "wx", FILE_MODE);
  } catch (error) {
    throw invalid(path, isSystemError(error, "EEXIST") ? "exists" : "cannot be created", error);
  }
  try {
    await file.writeFile(`nodeId: ${nodeId}\n`);
    await file.sync();
  } catch (error) {
    // Ours, and half written: left there it would be an error for ever.
    await unlink(path).catch(() => {});
    throw invalid(path, "cannot be written", error);
  } finally {
    await file.close();
  }
  return { nodeId };
}

/** The one mapping entry of this file, in the forms that YAML writers choose for a plain word. */
function findNodeId(path: string, text: string): string {
  let nodeId: string | undefined;
  for (const line of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    if (/^(---)?\s*(#.*)?$/.test(line)) continue;
    const entry = /^nodeId:\s+(?:"([^"\\]*)"|'([^']*)'|([^\s"'#]+))\s*(?:\s#.*)?$/.exec(line);
    if (entry === null) throw invalid(path, "expected the one line nodeId: <base62>");
    if (nodeId !== undefined) throw invalid(path, "nodeId twice");
    nodeId = entry[1] ?? entry[2] ?? entry[3];
  }
  if (nodeId === undefined) throw invalid(path, text.trim() === "" ? "empty" : "no nodeId");
  return nodeId;
}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}

function invalid(path: string, why: string, cause?: unknown): DiscoveryError {
  return new DiscoveryError("ERR_IDENTITY_FILE_INVALID", `${path}: ${why}`, { cause });
}
