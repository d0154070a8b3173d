/**
 * Programs that use the installed package: they compile as their authors compile them, and run.
 * @module
 */
import { execFile } from "node:child_process";
import { cp, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, inject, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { ROOT } from "../harness/paths.ts";

const run = promisify(execFile);
const { folder } = inject("packageUnderTest");
const tools = inject("tools");

const entryPoints = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== "./package.json")
  .map((subpath) => `talos-discovery${subpath.slice(1)}`);

const COMPILER_OPTIONS = {
  target: "es2023",
  lib: ["es2024", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  noEmit: true,
};

const RESOLUTIONS = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
];

/** Only the entry point that is for Node needs Node's types. */
const PROGRAMS = [
  { program: "portable.ts", types: [] },
  { program: "node.ts", types: ["node"] },
];

beforeAll(async () => {
  await cp(join(import.meta.dirname, "consumer"), folder, { recursive: true });
  // As `npm install --save-dev @types/node` would, without asking for it again.
  await symlink(join(ROOT, "node_modules/@types"), join(folder, "node_modules/@types"));
});

describe("a consumer compiles", () => {
  const cases = PROGRAMS.flatMap((program) => RESOLUTIONS.map((mode) => ({ ...program, ...mode })));

  test.each(cases)("$program, strict, as $moduleResolution", async (options) => {
    const { program, types, module, moduleResolution } = options;
    const project = join(folder, `tsconfig.${moduleResolution}.${program}.json`);
    const compilerOptions = { ...COMPILER_OPTIONS, module, moduleResolution, types };
    await writeFile(project, JSON.stringify({ compilerOptions, files: [program] }));
    await run("tsc", ["-p", project]).catch((error: { stdout?: string }) =>
      expect.fail(error.stdout ?? String(error)),
    );
  });
});

describe.each(["node22", "node24", "node26"] as const)("on %s", (name) => {
  test.each(PROGRAMS)("$program runs", async ({ program }) => {
    await run(tools[name], [program], { cwd: folder, timeout: 60_000 });
  });

  test("every entry point loads, with names and without a default export", async () => {
    const script = `
      const names = {};
      for (const entry of ${JSON.stringify(entryPoints)}) names[entry] = Object.keys(await import(entry));
      console.log(JSON.stringify(names));
    `;
    const { stdout } = await run(tools[name], ["--input-type=module", "--eval", script], {
      cwd: folder,
      timeout: 60_000,
    });
    const names = JSON.parse(stdout) as Record<string, string[]>;
    expect(Object.keys(names)).toEqual(entryPoints);
    for (const [entry, exported] of Object.entries(names)) {
      expect(exported.length, entry).toBeGreaterThan(0);
      expect(exported, entry).not.toContain("default");
    }
  });
});
