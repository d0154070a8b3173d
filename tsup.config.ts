/**
 * Builds the entry points that package.json exports, and the command line, as ES modules that share their chunks.
 * Dependencies stay imports; development dependencies, which only the command line uses, are bundled.
 * @module
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "tsup";
import manifest from "./package.json" with { type: "json" };

/** What of `devDependencies` ends up inside `dist/cli`, and so has its licence beside it. */
const BUNDLED = ["commander", "yaml"];

/** `{ "client": "src/client/index.ts", … }`: an exported subpath is a folder with an index. */
function libraryEntries(): Record<string, string> {
  const subpaths = Object.keys(manifest.exports).filter((path) => path !== "./package.json");
  return Object.fromEntries(
    subpaths.map((path) =>
      path === "." ? ["index", "src/index.ts"] : [path.slice(2), `src/${path.slice(2)}/index.ts`],
    ),
  );
}

/** tsc keeps the `.ts` of imports in declarations, which only newer compilers resolve beside a `.d.ts`. */
function emitDeclarations(): void {
  execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" });
  for (const file of readdirSync("dist/types", { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".d.ts")) continue;
    const path = join("dist/types", file);
    const text = readFileSync(path, "utf8");
    // As long as before, so that the declaration maps stay right.
    const rewritten = text.replaceAll(/((?:from|import\() ?"\.[^"]*)\.ts"/g, '$1.js"');
    if (rewritten !== text) writeFileSync(path, rewritten);
  }
}

function writeLicences(): void {
  const texts = BUNDLED.map(
    (name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()}\n`,
  );
  writeFileSync("dist/cli/third-party-licences.txt", texts.join("\n---\n\n"));
}

export default defineConfig({
  entry: { ...libraryEntries(), "cli/main": "src/cli/main.ts" },
  format: "esm",
  platform: "neutral",
  target: ["node22", "es2023"],
  splitting: true,
  clean: true,
  sourcemap: true,
  removeNodeProtocol: false,
  silent: true,
  esbuildOptions(options) {
    options.chunkNames = "chunks/[name]-[hash]";
    // The maps point into src/, which the package has.
    options.sourcesContent = false;
    options.external = ["node:*"];
    options.alias = {
      // The Node build of yaml is CommonJS, whose require() has no place in an ES module.
      yaml: fileURLToPath(new URL("node_modules/yaml/browser/index.js", import.meta.url)),
    };
  },
  async onSuccess() {
    emitDeclarations();
    writeLicences();
  },
});
