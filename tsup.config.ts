/**
 * Builds the entry points that package.json exports, and the command line, as ES modules that share their chunks.
 * Dependencies stay imports; development dependencies, which only the command line uses, are bundled.
 * @module
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "esbuild";
import { defineConfig } from "tsup";
import manifest from "./package.json" with { type: "json" };

/** What of `devDependencies` ends up inside `dist/cli`, and so has its licence beside it. */
const BUNDLED = [
  ...["commander", "yaml"],
  ...["prom-client", "tdigest", "bintrees"],
  ...["pino", "pino-std-serializers", "safe-stable-stringify", "quick-format-unescaped"],
  ...["@pinojs/redact", "sonic-boom", "atomic-sleep", "on-exit-leak-free", "process-warning"],
];

/**
 * What bundled packages load and the command line never calls: OpenTelemetry for exemplars in metrics, and a worker thread
 * to write logs from.
 */
const LEFT_OUT = /^(@opentelemetry\/api|thread-stream)$/;

/** An ES module has no `require()`: where a CommonJS package asks for a module of Node's, it gets an imported one. */
const commonJsPackages: Plugin = {
  name: "commonjs-packages",
  setup(build) {
    build.onResolve({ filter: LEFT_OUT }, ({ path }) => ({ path, namespace: "left-out" }));
    build.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({
      contents: "module.exports = {};",
    }));
    build.onResolve({ filter: /^(node:)?[a-z0-9_/]+$/ }, ({ path, kind }) =>
      kind === "require-call" && isBuiltin(path)
        ? { path: path.replace(/^(node:)?/, "node:"), namespace: "required-builtin" }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "required-builtin" }, ({ path }) => ({
      contents: `import builtin from "${path}"; module.exports = builtin;`,
    }));
  },
};

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
  esbuildPlugins: [commonJsPackages],
  esbuildOptions(options) {
    options.mainFields = ["module", "main"];
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
