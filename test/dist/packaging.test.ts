/**
 * What is in the tarball, and whether every tool finds its way in.
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, inject, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { ROOT } from "../harness/paths.ts";

const run = promisify(execFile);
const { folder, tarball, files } = inject("packageUnderTest");

const subpaths = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === "string" ? [] : [[subpath, target] as const],
);

describe("exports", () => {
  test.each(subpaths)("%s has a source file, declarations and a module", (_, target) => {
    const source = target.types.replace("./dist/types/", "src/").replace(/\.d\.ts$/, ".ts");
    expect(Object.keys(target)).toEqual(["types", "default"]);
    expect(existsSync(join(ROOT, source)), source).toBe(true);
    expect(files).toContain(target.types.slice(2));
    expect(files).toContain(target.default.slice(2));
  });

  test("every exported subpath is named in the documentation", async () => {
    const pages = ["README.md", "docs/architecture.md"];
    const text = (await Promise.all(pages.map((page) => readFile(join(ROOT, page), "utf8")))).join(
      "\n",
    );
    const names = subpaths.map(([subpath]) => `talos-discovery${subpath.slice(1)}`);
    expect(names.filter((name) => !text.includes(name))).toEqual([]);
  });
});

describe("the tarball", () => {
  test("has the build, its sources, the protobuf definitions and two manifests, and nothing of development", () => {
    const roots = new Set(files.map((file) => file.split("/")[0]));
    const optional = ["CHANGELOG.md", "LICENSE", "NOTICE", "README.md"];
    expect([...roots].filter((root) => !optional.includes(root ?? "")).sort()).toEqual([
      "deploy",
      "dist",
      "package.json",
      "proto",
      "src",
    ]);
    // What an error tells users to apply; the rest of deploy/ takes the container, not the package.
    expect(files.filter((file) => file.startsWith("deploy/")).sort()).toEqual([
      "deploy/kubernetes/node-annotations-read-only.yaml",
      "deploy/kubernetes/node-annotations.yaml",
    ]);
  });

  test("every source that a map names is there", async () => {
    const root = join(folder, "node_modules/talos-discovery");
    const maps = files.filter((file) => file.endsWith(".map"));
    expect(maps.length).toBeGreaterThan(0);
    for (const file of maps) {
      const map = JSON.parse(await readFile(join(root, file), "utf8")) as { sources: string[] };
      const missing = map.sources
        .map((source) => join(root, file, "..", source))
        .filter((path) => path.startsWith(join(root, "src")) && !existsSync(path));
      expect(missing, file).toEqual([]);
      expect(
        map.sources.some((source) => /^[/\\]|^[a-z]:|^file:/i.test(source)),
        file,
      ).toBe(false);
    }
  });

  test("the command is executable, and brings the licences of what it bundles", async () => {
    const command = join(folder, "node_modules/talos-discovery", manifest.bin["talos-discovery"]);
    expect((await stat(command)).mode & 0o111).toBe(0o111);
    expect((await readFile(command, "utf8")).startsWith("#!/usr/bin/env node\n")).toBe(true);
    expect(files).toContain("dist/cli/third-party-licences.txt");
  });

  test("only what the library imports is installed with it", async () => {
    // From npm's own record: another test adds a folder of types, as its consumer would.
    const list = ["ls", "--all", "--parseable", "--package-lock-only"];
    const { stdout } = await run("npm", list, { cwd: folder });
    const names = stdout
      .split("\n")
      .flatMap((line) => line.split("node_modules/")[1] ?? [])
      .sort();
    expect(names).toEqual([...Object.keys(manifest.dependencies), "talos-discovery"].sort());
  });
});

describe("checkers", () => {
  test("publint --strict has nothing to say", async () => {
    const bytes = await readFile(tarball);
    const { messages, pkg } = await publint({
      strict: true,
      pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
    });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test("attw finds the types of every entry point, for ES modules", async () => {
    await run("attw", [tarball, "--profile", "esm-only", "--format", "ascii", "--no-color"]).catch(
      (error: { stdout?: string }) => expect.fail(error.stdout ?? String(error)),
    );
  });
});
