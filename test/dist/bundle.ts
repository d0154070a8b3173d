/**
 * Bundles an import of the installed package as an application's bundler would, and tells what ended up inside.
 * @module
 */
import { gzipSync } from "node:zlib";
import { decode } from "@jridgewell/sourcemap-codec";
import { type BuildOptions, build } from "esbuild";

export interface Bundle {
  readonly minifiedBytes: number;
  /** `gzip -9` of the minified bundle. */
  readonly gzipBytes: number;
  /** Source files of our own with code in the bundle, as `src/identity/base62.ts`. */
  readonly sources: ReadonlySet<string>;
  /** Files of dependencies with code in the bundle, as `@noble/ciphers/aes.js`. */
  readonly dependencies: ReadonlySet<string>;
  /** What the bundle still imports: packages that were left out, `node:` modules. */
  readonly imports: ReadonlySet<string>;
}

export interface BundleOptions {
  /** Packages that stay imports. */
  readonly external?: readonly string[];
}

/** @param code - A module of an application in `folder`, which imports `talos-discovery`. */
export async function bundle(
  folder: string,
  code: string,
  { external = [] }: BundleOptions = {},
): Promise<Bundle> {
  const options = {
    stdin: { contents: code, resolveDir: folder, sourcefile: "application.js" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2023",
    sourcemap: "external",
    outfile: "bundle.js",
    metafile: true,
    write: false,
    external: ["node:*", ...external],
    logLevel: "silent",
  } as const satisfies BuildOptions;
  const { outputFiles, metafile } = await build(options);
  const script = outputFiles.find((file) => file.path.endsWith(".js"));
  const map = outputFiles.find((file) => file.path.endsWith(".map"));
  const output = metafile.outputs["bundle.js"];
  if (script === undefined || map === undefined || output === undefined) {
    throw new Error("esbuild wrote no bundle");
  }
  const inputs = Object.entries(output.inputs).filter(([, input]) => input.bytesInOutput > 0);
  return {
    minifiedBytes: script.contents.byteLength,
    gzipBytes: gzipSync(script.contents, { level: 9 }).byteLength,
    sources: new Set([...mappedSources(map.text)].flatMap(ownSource)),
    dependencies: new Set(inputs.flatMap(([path]) => dependency(path))),
    imports: new Set(output.imports.map((entry) => entry.path)),
  };
}

/** Sources that some position of the bundle maps to. The list in the map itself also names what was shaken out. */
function mappedSources(json: string): Set<string> {
  const map = JSON.parse(json) as { sources: string[]; mappings: string };
  const indexes = decode(map.mappings).flatMap((line) =>
    line.flatMap((segment) => segment[1] ?? []),
  );
  return new Set(indexes.map((index) => map.sources[index] ?? ""));
}

function ownSource(path: string): string[] {
  const match = /talos-discovery\/(src\/.*)$/.exec(path);
  return match?.[1] === undefined ? [] : [match[1]];
}

function dependency(path: string): string[] {
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  return path.includes("node_modules/") && !name.startsWith("talos-discovery/") ? [name] : [];
}
