/**
 * Packs the built package and installs the tarball in an empty folder, as somebody who uses it would.
 * @module
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../paths.ts";

const run = promisify(execFile);

export interface InstalledPackage {
  /** The folder whose `node_modules` has the package and its dependencies, and nothing else. */
  readonly folder: string;
  readonly tarball: string;
  /** Paths in the tarball, relative to the package. */
  readonly files: readonly string[];
  remove(): Promise<void>;
}

interface PackReport {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** @throws When `dist/` was not built, or npm fails. */
export async function installPackage(): Promise<InstalledPackage> {
  const folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const packed = await run(
      "npm",
      ["pack", "--json", "--ignore-scripts", "--pack-destination", folder],
      { cwd: ROOT },
    );
    const report = packReport(packed.stdout);
    const tarball = join(folder, report.filename);
    await writeFile(
      join(folder, "package.json"),
      JSON.stringify({ name: "consumer", private: true, type: "module" }),
    );
    await run(
      "npm",
      ["install", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts", tarball],
      { cwd: folder },
    );
    return { folder, tarball, files: report.files.map((file) => file.path), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** npm prints a list before version 12, and an object by package name since. */
function packReport(json: string): PackReport {
  const [report] = Object.values(JSON.parse(json) as Record<string, PackReport>);
  if (report === undefined) throw new Error("npm pack reported no package");
  return report;
}
