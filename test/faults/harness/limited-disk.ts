/**
 * Disks that fail: what runs a program so that its writes do.
 *
 * A mount of the program's own is the real thing. It takes a privilege, or a kernel that lets users have namespaces; where
 * there is neither, limits of the process give errors of the same kind.
 * @module
 */
import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { onTestFinished } from "vitest";

/** A program and its first arguments; the program that is to be run follows. */
export type Runner = readonly string[];

const NAMESPACES: readonly Runner[] = [
  ["unshare", "-m"],
  ["unshare", "-r", "-m"],
];

const NOBODY: Runner = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/** Runs a program for which `folder` is a file system of so many KiB. */
export function onSmallDisk(folder: string, kib: number): Runner {
  const mount = `mount -t tmpfs -o size=${kib}k tmpfs "$0"`;
  return mounted(folder, mount) ?? ["prlimit", `--fsize=${kib * 1024}`, "--"];
}

/** Runs a program that can read `folder`, and not write there. */
export function onReadOnlyDisk(folder: string): Runner {
  const mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"';
  const runner = mounted(folder, mount);
  if (runner !== undefined) return runner;
  chmodSync(folder, 0o555);
  onTestFinished(() => chmodSync(folder, 0o755));
  // Permissions stop everybody but the superuser.
  return process.getuid?.() === 0 ? NOBODY : ["env"];
}

function mounted(folder: string, mount: string): Runner | undefined {
  for (const namespace of NAMESPACES) {
    try {
      execFileSync(namespace[0] as string, [...namespace.slice(1), "sh", "-c", mount, folder], {
        stdio: "ignore",
      });
    } catch {
      continue;
    }
    return [...namespace, "sh", "-c", `${mount} && exec "$@"`, folder];
  }
  return undefined;
}
