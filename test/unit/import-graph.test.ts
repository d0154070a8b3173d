/**
 * The table of docs/architecture.md, "Folders", kept true: what each folder of `src` imports, and
 * which globals it touches.
 * @module
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { transform } from "esbuild";
import { describe, expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../../src");

interface FolderRule {
  /**
   * Other folders of `src`, besides {@link SHARED}. Types count too: structure is a statement, not
   * only weight.
   */
  readonly folders: readonly string[];
  /** Packages, by the start of the specifier. */
  readonly packages: readonly string[];
}

/** What every folder may import. */
const SHARED: ReadonlySet<string> = new Set(["errors.ts", "check.ts", "bytes.ts", "async"]);

const CONNECT = "@connectrpc/connect";
const PROTOBUF = "@bufbuild/protobuf";

const RULES: Readonly<Record<string, FolderRule>> = {
  net: { folders: [], packages: [] },
  identity: { folders: [], packages: [] },
  crypto: { folders: [], packages: ["@noble/ciphers", "@scure/base"] },
  protocol: { folders: ["net"], packages: [PROTOBUF] },
  registry: { folders: ["protocol"], packages: [] },
  async: { folders: [], packages: [] },
  client: {
    folders: ["protocol", "crypto", "identity", "net"],
    packages: [CONNECT, PROTOBUF],
  },
  resources: { folders: ["net", "identity"], packages: [] },
  config: { folders: ["net", "identity", "resources", "crypto"], packages: ["yaml"] },
  kubespan: {
    folders: ["net", "identity", "resources", "crypto"],
    packages: ["@noble/curves", "@noble/hashes"],
  },
  sources: {
    folders: ["client", "resources", "config", "protocol", "net"],
    packages: ["yaml"],
  },
  discovery: { folders: ["sources", "client", "resources", "protocol", "net"], packages: [] },
  server: { folders: ["registry", "protocol", "net"], packages: [CONNECT, PROTOBUF] },
  node: {
    folders: [
      ...["client", "crypto", "identity", "net", "protocol", "registry", "server"],
      ...["config", "sources", "kubespan", "resources", "discovery"],
    ],
    packages: [
      ...["node:", CONNECT, "@connectrpc/connect-node", PROTOBUF],
      ...["@kubernetes/client-node", "yaml"],
    ],
  },
  web: {
    folders: ["client", "protocol"],
    packages: [CONNECT, "@connectrpc/connect-web"],
  },
};

/** What only a runtime has: forbidden outside the folders that know one. */
const RUNTIME_GLOBALS = ["process", "Buffer", "Deno", "Bun", "global", "require", "__dirname"];

/** What a pure folder may not reach for: time, the network, and globals by another name. */
const IMPURE_GLOBALS = [
  ...["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "clearTimeout"],
  ...["Date", "performance", "fetch", "WebSocket", "EventSource", "XMLHttpRequest"],
  ...["localStorage", "indexedDB", "navigator", "self", "window", "globalThis", "console"],
];

const RUNTIME_FOLDERS = new Set(["node", "workers", "redis", "cli", "page"]);
const PURE_FOLDERS = new Set(["net", "identity", "crypto", "kubespan", "config"]);

interface Source {
  readonly path: string;
  /** The empty string for files at the root, such as `errors.ts`. */
  readonly folder: string;
  readonly text: string;
}

const sources: readonly Source[] = globSync("**/*.ts", { cwd: SRC }).map((path) => ({
  path,
  folder: path.includes("/") ? path.slice(0, path.indexOf("/")) : "",
  text: readFileSync(join(SRC, path), "utf8"),
}));

/**
 * Every specifier of `import` and `export … from`, of types too. Comments, which show imports to
 * people, are left out.
 */
function importsOf(source: Source): string[] {
  const code = source.text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, "");
  return [...code.matchAll(/\b(?:from|import)[\s(]+"([^"]+)"/g)].map((match) => match[1] ?? "");
}

function folderOf(source: Source, specifier: string): string {
  const target = relative(SRC, join(SRC, dirname(source.path), specifier));
  return target.includes("/") ? target.slice(0, target.indexOf("/")) : target;
}

function isPackage(specifier: string, allowed: string): boolean {
  return (
    specifier === allowed || specifier.startsWith(allowed.endsWith(":") ? allowed : `${allowed}/`)
  );
}

function forbiddenImports(source: Source, rule: FolderRule): string[] {
  return importsOf(source).filter((specifier) => {
    if (!specifier.startsWith(".")) return !rule.packages.some((p) => isPackage(specifier, p));
    const folder = folderOf(source, specifier);
    return folder !== source.folder && !SHARED.has(folder) && !rule.folders.includes(folder);
  });
}

/**
 * Each way from a file back to itself, as `a.ts -> b.ts -> a.ts`; of several that share files, one.
 */
function circles(files: readonly Source[]): string[] {
  const targets = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => join(dirname(file.path), specifier)),
    ]),
  );
  const found: string[] = [];
  const done = new Set<string>();
  function visit(path: string, way: readonly string[]): void {
    const start = way.indexOf(path);
    if (start >= 0) found.push([...way.slice(start), path].join(" -> "));
    if (start >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  }
  for (const path of targets.keys()) visit(path, []);
  return found;
}

/**
 * Which of `names` the file uses as globals. esbuild knows scopes: it replaces only names that
 * nothing declares.
 */
async function globalsIn(source: Source, names: readonly string[]): Promise<string[]> {
  const define = Object.fromEntries(names.map((name) => [name, `GLOBAL_${name}`]));
  const { code } = await transform(source.text, { loader: "ts", target: "esnext", define });
  return names.filter((name) => new RegExp(`\\bGLOBAL_${name}\\b`).test(code));
}

async function violations(
  files: readonly Source[],
  names: readonly string[],
): Promise<Record<string, string[]>> {
  const found = await Promise.all(
    files.map(async (file) => [file.path, await globalsIn(file, names)] as const),
  );
  return Object.fromEntries(found.filter(([, globals]) => globals.length > 0));
}

describe("the import graph", () => {
  test("every folder of src has a rule, or may import everything", () => {
    const folders = new Set(
      sources.map((source) => source.folder).filter((folder) => folder !== ""),
    );
    expect([...folders].filter((folder) => !(folder in RULES) && folder !== "cli")).toEqual([]);
  });

  describe.each(Object.entries(RULES))("%s", (folder, rule) => {
    const own = sources.filter((source) => source.folder === folder);

    test("has sources", () => {
      expect(own.length).toBeGreaterThan(0);
    });

    test(`imports ${rule.folders.join(", ") || "no other folder"}, and ${rule.packages.join(", ") || "no package"}`, () => {
      const found = own.map((source) => [source.path, forbiddenImports(source, rule)] as const);
      expect(Object.fromEntries(found.filter(([, imports]) => imports.length > 0))).toEqual({});
    });
  });

  test("the everyday entry point re-exports client, registry, identity, resources, sources and errors, and knows no runtime", () => {
    const index = sources.find((source) => source.path === "index.ts");
    const folders = ["client", "registry", "identity", "resources", "sources"];
    expect(index && forbiddenImports(index, { folders, packages: [] })).toEqual([]);
  });

  test("no file imports itself, by whatever way round: types count too", () => {
    expect(circles(sources)).toEqual([]);
  });

  test("the check sees a circle", () => {
    const file = (path: string, target: string): Source => ({
      path,
      folder: "",
      text: `import type { A } from "./${target}";`,
    });
    const found = circles([file("a.ts", "b.ts"), file("b.ts", "c.ts"), file("c.ts", "b.ts")]);
    expect(found).toEqual(["b.ts -> c.ts -> b.ts"]);
  });

  test.each(["errors.ts", "check.ts", "bytes.ts"])("%s imports nothing", (path) => {
    const shared = sources.find((source) => source.path === path);
    expect(shared && importsOf(shared)).toEqual([]);
  });

  test("nothing outside the command line imports the command line", () => {
    const importers = sources.filter(
      (source) =>
        source.folder !== "cli" &&
        importsOf(source).some((s) => s.startsWith(".") && folderOf(source, s) === "cli"),
    );
    expect(importers.map((source) => source.path)).toEqual([]);
  });
});

describe("globals", () => {
  test("a runtime's own globals stay in the folders that know a runtime", async () => {
    const portable = sources.filter((source) => !RUNTIME_FOLDERS.has(source.folder));
    expect(await violations(portable, RUNTIME_GLOBALS)).toEqual({});
  });

  test("net, identity and crypto use no timer, clock, network or console", async () => {
    const pure = sources.filter((source) => PURE_FOLDERS.has(source.folder));
    expect(await violations(pure, IMPURE_GLOBALS)).toEqual({});
  });

  test("the registry reads no clock at load or in its pure core: time is an argument", async () => {
    const core = sources.filter((source) => source.path === "registry/affiliate-state.ts");
    expect(await violations(core, IMPURE_GLOBALS)).toEqual({});
  });

  test("the check sees a global, and passes over a local name and a property", async () => {
    const text = `const fetch = 1; export const f = (a: { Date: number }): unknown => [fetch, a.Date, setTimeout];`;
    const sample = { path: "sample.ts", folder: "net", text };
    expect(await globalsIn(sample, IMPURE_GLOBALS)).toEqual(["setTimeout"]);
  });
});
