/**
 * Why a file cannot be read or written, in words.
 * @module
 */

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "no permission",
  EBUSY: "is in use, or mounted by itself, and cannot be replaced",
  EDQUOT: "the disk quota is used up",
  EEXIST: "exists already, and is not overwritten",
  EFBIG: "the file is larger than is allowed here",
  EIO: "the disk reports an error",
  EISDIR: "is a directory",
  ELOOP: "symbolic links that lead in a circle",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "no such file or directory",
  ENOSPC: "no space is left on the disk",
  ENXIO: "is a socket, or a device that is not there",
  ENOTDIR: "a part of the path is no directory",
  EPERM: "no permission",
  EROFS: "the file system is read-only",
};

/** A file that is not as it has to be. The message is the reason, without the path. */
export class FileProblem extends Error {
  override readonly name: string = "FileProblem";
}

/** Where the reason is a common one. Never with the path, as the file system's own message. */
export function fileReason(error: unknown): string | undefined {
  if (error instanceof FileProblem) return error.message;
  return REASONS[(error as NodeJS.ErrnoException).code ?? ""];
}

/** `PATH: why`; what the file system says where the reason is no common one. */
export function fileFailure(path: string, error: unknown): string {
  return `${path}: ${fileReason(error) ?? (error as Error).message}`;
}
