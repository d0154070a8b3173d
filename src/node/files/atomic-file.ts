/**
 * A file that is replaced as a whole or not at all.
 * @module
 */
import { randomBytes } from "node:crypto";
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { checkRegular } from "./input-bytes.ts";

/** Readable and writable by its owner alone: who knows a cluster's ID can list it. */
const FILE_MODE = 0o600;

const READ_BITS = 0o444;
const PERMISSION_BITS = 0o7777;

// A temporary name is the file's own, this, and random bytes in hexadecimal.
const SAVING = ".saving-";
const RANDOM_BYTES = 8;
const TEMPORARY_END = /\.saving-[0-9a-f]{16}$/;

/**
 * What some file systems answer where a folder cannot be synced: no failure of ours, and nothing to
 * be done.
 */
const UNSYNCED_FOLDER = new Set(["EACCES", "EBADF", "EINVAL", "EISDIR", "ENOTSUP", "EPERM"]);

/** Options of {@link AtomicFile.create}. */
export interface AtomicFileOptions {
  /** Permissions of a file that is not there yet, less the process's umask. @default 0o600 */
  readonly mode?: number;
  /**
   * A file that is there keeps its permissions and, where that is allowed, its owner.
   * @default false
   */
  readonly keepsMode?: boolean;
}

/**
 * The new content of a file, under a name of its own until `commit`. Gone at the end of its scope
 * if that is not called.
 */
export class AtomicFile implements AsyncDisposable {
  readonly #target: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  #isCommitted = false;

  private constructor(target: string, temporary: string, file: FileHandle) {
    this.#target = target;
    this.#temporary = temporary;
    this.#file = file;
  }

  /**
   * Begins a new content, empty.
   *
   * @param path - A symbolic link stays, and what it leads to is replaced. A missing folder is
   *   made.
   * @throws {FileProblem} for a path of something else than a file. What the file system says.
   */
  static async create(
    path: string,
    { mode = FILE_MODE, keepsMode = false }: AtomicFileOptions = {},
  ): Promise<AtomicFile> {
    await checkReplaceable(path);
    const target = await followLinks(path);
    const temporary = `${target}${SAVING}${randomBytes(RANDOM_BYTES).toString("hex")}`;
    const existing = keepsMode ? await stat(target).catch(() => undefined) : undefined;
    const create = () => open(temporary, "wx", existing === undefined ? mode : FILE_MODE);
    const file = await create().catch(async (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      // Who may read the file may find it.
      const folderMode = mode | ((mode & READ_BITS) >> 2);
      await mkdir(dirname(target), { recursive: true, mode: folderMode });
      return create();
    });
    const atomic = new AtomicFile(target, temporary, file);
    if (existing !== undefined) {
      try {
        // The owner before the permissions, some of which end with a change of owner.
        await file.chown(existing.uid, existing.gid).catch(() => {});
        await file.chmod(existing.mode & PERMISSION_BITS);
      } catch (error) {
        await atomic[Symbol.asyncDispose]();
        throw error;
      }
    }
    return atomic;
  }

  /** Appends. */
  async write(parts: readonly Uint8Array[]): Promise<void> {
    // Unlike `writev`, it goes on where the system takes less at once.
    if (parts.length > 0) await this.#file.writeFile(Buffer.concat(parts));
  }

  /** Brings what was written to the disk. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  /**
   * Puts the new content in the old one's place, for good. To be called after `sync`.
   *
   * @throws {FileProblem} if there is something else than a file by now. What the file system says.
   */
  async commit(): Promise<void> {
    await checkReplaceable(this.#target);
    await rename(this.#temporary, this.#target);
    this.#isCommitted = true;
    await syncFolder(dirname(this.#target));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    if (!this.#isCommitted) await rm(this.#temporary, { force: true });
  }
}

/**
 * Removes what killed processes have left of `AtomicFile`s for this path; where that fails, it
 * stays.
 */
export async function removeLeftovers(path: string): Promise<void> {
  const target = await followLinks(path).catch(() => path);
  const folder = dirname(target);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (name.replace(TEMPORARY_END, "") !== basename(target) || name === basename(target)) continue;
    await rm(join(folder, name), { force: true }).catch(() => {});
  }
}

/**
 * Keeps a file also as `<path>.damaged`, in place of an earlier one, so that it may be replaced.
 *
 * @throws What the file system says.
 */
export async function setAside(path: string): Promise<void> {
  const target = await followLinks(path);
  const kept = `${target}.damaged`;
  const found = await lstat(target).catch(() => undefined);
  if (!found?.isFile()) return;
  await rm(kept, { force: true });
  // Links to files of others may be forbidden, where renaming is not.
  await link(target, kept).catch(() => rename(target, kept));
}

/**
 * Checks that a path is one of a file, or of nothing yet: a rename would put a file in the place of
 * a device, a FIFO or a link.
 *
 * @throws {FileProblem} What the file system says.
 */
export async function checkReplaceable(path: string): Promise<void> {
  try {
    checkRegular(await stat(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/**
 * Also where what a link leads to is not there yet.
 *
 * @throws What the file system says, such as `ELOOP`.
 */
async function followLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const next = await readlink(path).catch(() => undefined);
  return next === undefined ? path : followLinks(resolve(await realpath(dirname(path)), next));
}

async function syncFolder(path: string): Promise<void> {
  try {
    await using folder = await open(path);
    await folder.sync();
  } catch (error) {
    if (!UNSYNCED_FOLDER.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
