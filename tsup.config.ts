/**
 * Builds the entry points that package.json exports, as ES modules that share their chunks and import their dependencies, and
 * the command line with all that it needs in it.
 * @module
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { defineConfig } from "tsup";
import manifest from "./package.json" with { type: "json" };

/**
 * What bundled packages load and the command line never calls: OpenTelemetry for exemplars in
 * metrics, and the HTTP client of Kubernetes' package, of which we want the credentials and use
 * `node:https`.
 */
const LEFT_OUT = /^(@opentelemetry\/api|undici)$/;

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

/** Of Kubernetes' package, which says nothing of side effects, the file of credentials and not the 700 of its API. */
const kubernetesParts: Plugin = {
  name: "kubernetes-parts",
  setup(build) {
    build.onResolve({ filter: /^(@kubernetes\/client-node$|\.)/ }, async (args) => {
      const { path, pluginData, ...from } = args;
      const isPart = !path.startsWith(".") || from.importer.includes("/@kubernetes/client-node/");
      if (!isPart || pluginData === kubernetesParts) return undefined;
      const found = await build.resolve(path, { ...from, pluginData: kubernetesParts });
      return { ...found, sideEffects: false };
    });
  },
};

/** `{ "client": "src/client/index.ts", … }`: an exported subpath is the `index.ts` that its types come from. */
function libraryEntries(): Record<string, string> {
  const { "./package.json": _, ...subpaths } = manifest.exports;
  return Object.fromEntries(
    Object.entries(subpaths).map(([path, { types }]) => [
      path === "." ? "index" : path.slice(2),
      types.replace("./dist/types/", "src/").replace(/\.d\.ts$/, ".ts"),
    ]),
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

/**
 * Bundles the command line and its libraries into `dist/cli`. Loading a few files instead of hundreds saves a service 18 MB
 * of memory.
 */
async function bundleCommandLine(): Promise<void> {
  const { metafile } = await build({
    entryPoints: ["src/cli/main.ts"],
    outdir: "dist/cli",
    bundle: true,
    // Commands are loaded when they are called.
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    mainFields: ["module", "main"],
    target: ["node22", "es2023"],
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    // The Node build of yaml is CommonJS, which takes more to load.
    alias: { yaml: fileURLToPath(new URL("node_modules/yaml/browser/index.js", import.meta.url)) },
    plugins: [commonJsPackages, kubernetesParts],
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const bundled = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  const names = bundled.flatMap(
    ([path]) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1] ?? [],
  );
  const texts = [...new Set(names)].sort().map((name) => `${name}\n\n${licenceOf(name).trim()}\n`);
  writeFileSync("dist/cli/third-party-licences.txt", texts.join("\n---\n\n"));
}

/** @throws {Error} Where a library has no licence that is known here. */
function licenceOf(name: string): string {
  const folder = `node_modules/${name}`;
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
  if (file !== undefined) return readFileSync(join(folder, file), "utf8");
  const { license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const apache = readFileSync("LICENSE", "utf8");
  if (license === "Apache-2.0") return apache;
  if (name === "@bufbuild/protobuf") {
    // Its other licence is that of Google's code for variable-length integers, and stands there.
    const source = readFileSync(join(folder, "dist/esm/wire/varint.js"), "utf8");
    const notice = /^\/\/ Copyright 2008 Google.*\n(?:^\/\/.*\n)+/m.exec(source)?.[0];
    if (notice !== undefined)
      return `${license}\n\n${notice.replaceAll(/^\/\/ ?/gm, "")}\n${apache}`;
  }
  throw new Error(`${name}: no licence text`);
}

export default defineConfig({
  entry: libraryEntries(),
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
  },
  async onSuccess() {
    emitDeclarations();
    await bundleCommandLine();
  },
});
