/**
 * Hosts that cannot publish themselves, from a file that is read again when it changes.
 * @module
 */

import type { DiscoveryError } from "../../errors.ts";
import { parseStaticMembers } from "../../sources/static/static-members.ts";
import { StaticRegistry } from "../../sources/static/static-registry.ts";
import type { FileWatch, WatchFilesOptions } from "./file-watch.ts";
import { reloadFiles, textOf } from "./reloaded-file.ts";

export interface StaticMembersOptions extends WatchFilesOptions {
  /** A changed file is in force. Must not throw. */
  readonly onReload?: ((hosts: number) => void) | undefined;
  /**
   * A changed file is bad or gone, and the last good list stays in force; the registry's status
   * tells of it too. Told once for each change. Must not throw.
   */
  readonly onError?: ((error: DiscoveryError) => void) | undefined;
}

/** A file in use. Closing it ends the looking, and leaves the registry as it is. */
export interface StaticMembersFile extends FileWatch {
  readonly registry: StaticRegistry;
}

/**
 * Reads a list of hosts, and again whenever the file changes.
 *
 * @param path - Of YAML or JSON; see `parseStaticMembers` of `talos-discovery/discovery`.
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE`, `ERR_STATIC_MEMBERS_INVALID`, naming the file and
 *   the lines.
 * @example
 * const hosts = await watchStaticMembers("hosts.yaml", { onError: console.error });
 * const discovery = new Discovery({ registries: [serviceRegistry, hosts.registry], nodeId });
 */
export async function watchStaticMembers(
  path: string,
  options: StaticMembersOptions = {},
): Promise<StaticMembersFile> {
  const { onReload, onError, ...watchOptions } = options;
  const file = await reloadFiles(
    [path],
    {
      load: ([bytes]) =>
        parseStaticMembers(textOf(path, bytes, "ERR_STATIC_MEMBERS_INVALID"), path),
      onReload(affiliates) {
        registry.replace(affiliates);
        onReload?.(affiliates.length);
      },
      onError(error) {
        registry.fail(error);
        onError?.(error);
      },
    },
    watchOptions,
  );
  const registry = new StaticRegistry({ affiliates: file.current, source: path });
  return { registry, look: file.look, close: file.close };
}
