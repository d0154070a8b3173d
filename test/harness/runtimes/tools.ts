/**
 * The runtimes themselves, installed apart from what development needs every day.
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const MANIFESTS = join(import.meta.dirname, "tools");
const CACHE = join(import.meta.dirname, "../../../.cache/runtimes");

export interface Tools {
  readonly node22: string;
  readonly node24: string;
  /** The Node.js that runs this: the one of development. */
  readonly node26: string;
  readonly deno: string;
  readonly bun: string;
  /** `node_modules` with miniflare and playwright-core. */
  readonly modules: string;
}

/** Installs what the lock file names, unless that was done before. Not for two processes at once: a globalSetup calls it. */
export async function installTools(): Promise<Tools> {
  const lock = await readFile(join(MANIFESTS, "package-lock.json"), "utf8");
  const stamp = join(CACHE, "installed-lock.json");
  if (!existsSync(stamp) || (await readFile(stamp, "utf8")) !== lock) {
    await mkdir(CACHE, { recursive: true });
    for (const name of ["package.json", "package-lock.json", ".npmrc"]) {
      await copyFile(join(MANIFESTS, name), join(CACHE, name));
    }
    await run("npm", ["ci"], { cwd: CACHE });
    await writeFile(stamp, lock);
  }
  const modules = join(CACHE, "node_modules");
  const tools: Tools = {
    node22: join(modules, "node22/bin/node"),
    node24: join(modules, "node24/bin/node"),
    node26: process.execPath,
    // Not the launchers in .bin: ending one of those would leave the runtime running.
    deno: join(modules, "deno/deno"),
    bun: join(modules, "bun/bin/bun.exe"),
    modules,
  };
  for (const [name, path] of Object.entries(tools)) {
    if (!existsSync(path)) throw new Error(`${name}: there is no ${path}`);
  }
  return tools;
}
