/**
 * A value from files that are read again when they change. If what is read is bad, the last good
 * value stays in force.
 * @module
 */
import { DiscoveryError, type DiscoveryErrorCode } from "../../errors.ts";
import {
  type FileReading,
  type FileWatch,
  readFiles,
  type WatchFilesOptions,
  watchFiles,
} from "./file-watch.ts";

/** What a value is made of, and who is told of its changes. */
export interface ReloadHooks<T> {
  /**
   * Makes the value of what the files contain, in the order of the paths. Throws a `DiscoveryError`
   * if that is bad.
   */
  readonly load: (contents: readonly Uint8Array[]) => T;
  /** Puts a changed value in force. If it throws a `DiscoveryError`, the value is bad. */
  readonly use?: ((value: T) => void) | undefined;
  /** A changed value is in force. Must not throw. */
  readonly onReload?: ((value: T, previous: T) => void) | undefined;
  /** Changed files are bad or missing. Called once for each change. Must not throw. */
  readonly onError?: ((error: DiscoveryError, current: T) => void) | undefined;
}

/** Files in use. */
export interface ReloadedFiles<T> extends FileWatch {
  /** The last good value. */
  readonly current: T;
}

/**
 * Reads files, and again whenever any of them changes.
 *
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE`, and what `load` throws, if the files are bad at
 *   the first reading.
 * @example
 * const names = await reloadFiles([path], { load: ([bytes]) => parse(textOf(path, bytes, code)) });
 * names.current;
 */
export async function reloadFiles<T>(
  paths: readonly string[],
  { load, use, onReload, onError }: ReloadHooks<T>,
  options: WatchFilesOptions = {},
): Promise<ReloadedFiles<T>> {
  const first = await readFiles(paths);
  let current = load(contentsOf(paths, first));
  const watch = watchFiles(
    paths,
    first,
    (readings) => {
      let next: T;
      try {
        next = load(contentsOf(paths, readings));
        use?.(next);
      } catch (error) {
        onError?.(error as DiscoveryError, current);
        return;
      }
      const previous = current;
      current = next;
      onReload?.(next, previous);
    },
    options,
  );
  return {
    get current() {
      return current;
    },
    look: watch.look,
    close: watch.close,
  };
}

/**
 * The content of a file as text.
 *
 * @param code - For bytes that are not UTF-8.
 * @throws {DiscoveryError} `code`, naming the file.
 */
export function textOf(
  path: string,
  bytes: Uint8Array | undefined,
  code: DiscoveryErrorCode,
): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DiscoveryError(code, `${path}: is not text in UTF-8`, { cause });
  }
}

/** @throws {DiscoveryError} `ERR_FILE_UNREADABLE`, naming the first file that cannot be read. */
function contentsOf(paths: readonly string[], readings: readonly FileReading[]): Uint8Array[] {
  return readings.map((reading, index) => {
    if ("bytes" in reading) return reading.bytes;
    throw new DiscoveryError("ERR_FILE_UNREADABLE", `${paths[index]}: ${reading.problem}`);
  });
}
