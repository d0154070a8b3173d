/**
 * The clusters that may use a service, one ID a line in a file that is read again when it changes.
 * @module
 */
import { DiscoveryError, isDiscoveryError } from "../../errors.ts";
import { checkClusterId } from "../../registry/limits.ts";
import type { FileWatch, WatchFilesOptions } from "./file-watch.ts";
import { reloadFiles, textOf } from "./reloaded-file.ts";

export interface ClusterAllowListOptions extends WatchFilesOptions {
  /** A changed file is in force. Must not throw. */
  readonly onReload?: ((change: AllowListChange) => void) | undefined;
  /**
   * A changed file is bad, and the old list stays in force. Told once for each change. Must not
   * throw.
   */
  readonly onError?: ((error: DiscoveryError) => void) | undefined;
}

/** How a list differs from the one before. */
export interface AllowListChange {
  /** How many clusters are allowed now. */
  readonly clusters: number;
  readonly added: number;
  readonly removed: number;
}

/** A list in use. */
export interface ClusterAllowList extends FileWatch {
  /** How many clusters are allowed. */
  readonly size: number;
  allows(clusterId: string): boolean;
}

/**
 * Reads the list, and again whenever the file changes.
 *
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE`, `ERR_ALLOW_LIST_INVALID`, naming the file and the
 *   line.
 * @example
 * const list = await watchClusterAllowList("clusters.txt", { onError: console.error });
 * const server = await serve({ allowCluster: (clusterId) => list.allows(clusterId) });
 */
export async function watchClusterAllowList(
  path: string,
  options: ClusterAllowListOptions = {},
): Promise<ClusterAllowList> {
  const { onReload, onError, ...watchOptions } = options;
  const file = await reloadFiles<ReadonlySet<string>>(
    [path],
    {
      load: ([bytes]) => parseClusterAllowList(textOf(path, bytes, "ERR_ALLOW_LIST_INVALID"), path),
      onReload: (allowed, previous) =>
        onReload?.({
          clusters: allowed.size,
          added: [...allowed].filter((id) => !previous.has(id)).length,
          removed: [...previous].filter((id) => !allowed.has(id)).length,
        }),
      onError,
    },
    watchOptions,
  );
  return {
    get size() {
      return file.current.size;
    },
    allows: (clusterId) => file.current.has(clusterId),
    look: file.look,
    close: file.close,
  };
}

/**
 * Reads the text of a list: an ID a line, white space around it ignored, and from `#` a comment
 * where a line or white space comes before it. The IDs that nodes generate are base64, which has
 * neither.
 *
 * @param name - Of the file, for errors.
 * @throws {DiscoveryError} `ERR_ALLOW_LIST_INVALID`, with the line, and without its text: it may be
 *   a secret put in the wrong file.
 */
export function parseClusterAllowList(text: string, name: string): ReadonlySet<string> {
  const ids = new Set<string>();
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  lines.forEach((line, index) => {
    const id = line.replace(/(^|\s)#.*/, "").trim();
    if (id === "") return;
    const where = `${name}: line ${index + 1}`;
    if (/\s/.test(id)) throw invalid(`${where}: more than one word`);
    try {
      checkClusterId(id);
    } catch (error) {
      if (isDiscoveryError(error)) throw invalid(`${where}: ${error.message}`, error);
      throw error;
    }
    ids.add(id);
  });
  return ids;
}

function invalid(message: string, cause?: unknown): DiscoveryError {
  return new DiscoveryError("ERR_ALLOW_LIST_INVALID", message, { cause });
}
