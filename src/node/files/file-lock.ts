/**
 * A lock on a file for the time of a process: a socket beside it on which its owner listens. The
 * system ends the listening with the process, so a crash leaves a socket that nobody answers, and
 * that the next owner replaces.
 * @module
 */
import { randomBytes } from "node:crypto";
import { lstat, mkdir, rename, rm } from "node:fs/promises";
import { createServer, connect as openSocket, type Server } from "node:net";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { followLinks } from "./atomic-file.ts";

/** The end of a lock's name, after the file's. */
const LOCK_END = ".lock";

/** As of a folder that a save makes. */
const FOLDER_MODE = 0o700;

/** How often a lock that nobody holds is replaced before others are let have it. */
const MAX_ATTEMPTS = 10;

/** Much longer than a process takes from making a socket to listening on it. */
const SETTLE_MS = 100;

/** What became of {@link lockFile}. */
export type FileLock =
  | { readonly state: "locked"; unlock(): Promise<void> }
  /** Another process has it, or this one by another call. */
  | { readonly state: "taken" }
  /** The folder cannot be written, or the system has no such sockets: nobody can lock the file. */
  | { readonly state: "unavailable" };

/**
 * Locks a file, which need not exist; a missing folder is made. Keeps no process alive.
 *
 * @param path - A symbolic link is followed: all names of a file share one lock.
 */
export async function lockFile(path: string): Promise<FileLock> {
  const target = await followLinks(path).catch(() => path);
  const name = target + LOCK_END;
  await mkdir(dirname(target), { recursive: true, mode: FOLDER_MODE }).catch(() => {});
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const server = await listenAt(name);
    if (typeof server === "object") {
      return { state: "locked", unlock: () => new Promise((done) => server.close(() => done())) };
    }
    if (server !== "EADDRINUSE") return { state: "unavailable" };
    const found = await lookAt(name);
    if (found === "file") return { state: "unavailable" };
    const answers = [await knockAt(name)];
    if (answers[0] === "ECONNREFUSED") {
      // A new holder has the socket before it listens there.
      await sleep(SETTLE_MS);
      answers.push(await knockAt(name));
    }
    if (answers.includes("connected")) return { state: "taken" };
    if (answers.every((answer) => answer === "ECONNREFUSED")) await removeStale(name, found);
    // Gone meanwhile, or replaced.
    else if (!answers.includes("ENOENT")) return { state: "unavailable" };
  }
  return { state: "taken" };
}

/** @returns The server, or why there is none. */
function listenAt(name: string): Promise<Server | string> {
  return new Promise((resolve) => {
    const server = createServer((socket) => void socket.destroy());
    server.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code ?? "unknown"));
    server.listen(name, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** @returns `connected`, or why not. */
function knockAt(name: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = openSocket(name);
    socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code ?? "unknown"));
    socket.once("connect", () => {
      socket.destroy();
      resolve("connected");
    });
  });
}

/** @returns What tells a socket from one that replaces it; `file` for what is no socket. */
async function lookAt(name: string): Promise<string | undefined> {
  try {
    const stats = await lstat(name, { bigint: true });
    // The number alone is given to the next file.
    return stats.isSocket() ? `${stats.ino} ${stats.mtimeNs}` : "file";
  } catch {
    return undefined;
  }
}

/** Two that find the same stale lock must not remove each other's new one. */
async function removeStale(name: string, found: string | undefined): Promise<void> {
  const aside = `${name}-${randomBytes(4).toString("hex")}`;
  try {
    if ((await lookAt(name)) !== found) return;
    await rename(name, aside);
    if ((await lookAt(aside)) === found) await rm(aside, { force: true });
    else await rename(aside, name);
  } catch {
    // Somebody else was quicker: the next attempt sees what is there.
  }
}
