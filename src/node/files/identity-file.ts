/**
 * A node's identity on disk: `node-identity.yaml`, one line `nodeId: <base62>`.
 * @module
 */
import type { SignalOptions } from "../../async/waits.ts";
import { generateNodeId, parseNodeId } from "../../identity/node-id.ts";
import { createKeptFile, invalidFile, parseEntries, readKeptFile } from "./kept-file.ts";

export interface NodeIdentity {
  /** Base62. */
  readonly nodeId: string;
}

/**
 * Reads an identity file.
 *
 * @param options - `signal` ends the wait for a file that is a FIFO.
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE` where there is no file, so that one may be
 *   created. `ERR_IDENTITY_FILE_INVALID`, naming the path, for one that cannot be read, is empty,
 *   or holds no valid identity.
 */
export async function loadNodeIdentity(
  path: string,
  options?: SignalOptions,
): Promise<NodeIdentity> {
  const expected = "the one line nodeId: <base62>";
  const entries = parseEntries(path, await readKeptFile(path, options), expected);
  const nodeId = entries.get("nodeId");
  if (entries.size > (nodeId === undefined ? 0 : 1))
    throw invalidFile(path, `expected ${expected}`);
  if (nodeId === undefined) throw invalidFile(path, "no nodeId");
  try {
    parseNodeId(nodeId);
  } catch (error) {
    throw invalidFile(path, error instanceof Error ? error.message : "no node ID", error);
  }
  return { nodeId };
}

/**
 * Makes a new identity and its file, which its owner alone may read.
 *
 * @throws {DiscoveryError} `ERR_IDENTITY_FILE_INVALID`, naming the path, where there is a file
 *   already, or none can be written.
 */
export async function createNodeIdentity(path: string): Promise<NodeIdentity> {
  const nodeId = generateNodeId();
  await createKeptFile(path, `nodeId: ${nodeId}\n`);
  return { nodeId };
}
