/** Lock files: what is installed is what was looked at, on every platform, from any registry. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../harness/paths.ts";

interface LockedPackage {
  readonly integrity?: string;
  readonly resolved?: string;
}

test.each(["package-lock.json", "test/harness/runtimes/tools/package-lock.json"])(
  "%s has a hash of each package and no registry",
  async (path) => {
    const text = await readFile(join(ROOT, path), "utf8");
    const { packages } = JSON.parse(text) as { packages: Record<string, LockedPackage> };
    const { "": root, ...installed } = packages;
    expect(root).toBeDefined();
    const isLocked = ({ integrity = "", resolved }: LockedPackage) =>
      /^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity) && resolved === undefined;
    const unlocked = Object.entries(installed).filter(([, entry]) => !isLocked(entry));
    expect(unlocked.map(([name]) => name)).toEqual([]);
  },
);
