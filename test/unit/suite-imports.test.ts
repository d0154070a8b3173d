/**
 * Each suite of `test/` stands alone: what several of them share is in `test/harness`.
 * @module
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../harness/paths.ts";

/** Folders of `test/` that every suite may use. */
const SHARED = ["harness", "fixtures", "vectors"];

interface Reference {
  readonly file: string;
  /** What the file imports, or resolves against its own address or folder, from the root. */
  readonly target: string;
}

const references: readonly Reference[] = globSync("test/**/*.ts", { cwd: ROOT }).flatMap((file) => {
  const text = readFileSync(join(ROOT, file), "utf8");
  const literals = text.matchAll(
    /(?:\bfrom |\bimport[ (]|\bnew URL\(|\bimport\.meta\.dirname, )"([^"\n]+)"/g,
  );
  return Array.from(literals, ([literal, path = ""]) => ({ literal, path }))
    .filter(({ literal, path }) => path.startsWith(".") || literal.includes("dirname"))
    .map(({ path }) => ({ file, target: normalize(join(dirname(file), path)) }));
});

/** `unit` for a path in `test/unit`; nothing for what is not in a folder of `test/`. */
function suiteOf(path: string): string | undefined {
  return /^test\/([^/]+)/.exec(path)?.[1];
}

test("a suite imports nothing of another one, and the harness nothing of any", () => {
  const foreign = references.filter(({ file, target }) => {
    const suite = suiteOf(target);
    return suite !== undefined && suite !== suiteOf(file) && !SHARED.includes(suite);
  });
  expect(references.map(({ target }) => target)).toContain("test/harness/paths.ts");
  expect(foreign).toEqual([]);
});
