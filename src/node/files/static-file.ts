/**
 * Hosts that cannot publish themselves, from a file that is read again when it changes.
 * @module
 */

import type { DiscoveryError } from "../../errors.ts";
import type { AffiliateSpec } from "../../resources/affiliate.ts";
import { parseStaticMembers } from "../../sources/static/static-members.ts";
import { StaticRegistry } from "../../sources/static/static-registry.ts";
import {
  type FileReading,
  type FileWatch,
  readFiles,
  textOf,
  type WatchFilesOptions,
  watchFiles,
} from "./file-watch.ts";

export interface StaticMembersOptions extends WatchFilesOptions {
  /** A changed file is in force. Must not throw. */
  readonly onReload?: ((hosts: number) => void) | undefined;
  /**
   * A changed file is bad or gone, and the last good list stays in force; the registry's status tells of it too. Told once
   * for each change. Must not throw.
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
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE`, `ERR_STATIC_MEMBERS_INVALID`, naming the file and the lines.
 * @example
 * const hosts = await watchStaticMembers("hosts.yaml", { onError: console.error });
 * const discovery = new Discovery({ registries: [serviceRegistry, hosts.registry], nodeId });
 */
export async function watchStaticMembers(
  path: string,
  options: StaticMembersOptions = {},
): Promise<StaticMembersFile> {
  const { onReload, onError, ...watchOptions } = options;
  const first = await readFiles([path]);
  const registry = new StaticRegistry({ affiliates: load(path, first), source: path });
  const watch = watchFiles(
    [path],
    first,
    (readings) => {
      let affiliates: readonly AffiliateSpec[];
      try {
        affiliates = load(path, readings);
      } catch (error) {
        registry.fail(error as DiscoveryError);
        onError?.(error as DiscoveryError);
        return;
      }
      registry.replace(affiliates);
      onReload?.(affiliates.length);
    },
    watchOptions,
  );
  return { registry, look: watch.look, close: watch.close };
}

function load(path: string, [reading]: readonly FileReading[]): readonly AffiliateSpec[] {
  return parseStaticMembers(textOf(path, reading, "ERR_STATIC_MEMBERS_INVALID"), path);
}
