/**
 * Comments send readers to pages of docs/, to a heading there, and to items of its list; the page
 * on the architecture sends them to files of src/: all of them must be there.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);

/** `@see docs/protocol.md, "What a client does", 2 and 3` */
const REFERENCE = /@see (docs\/[\w-]+\.md)(?:, "([^"]+)")?(?:, (\d+)(?: and (\d+))?)?/g;

const references = readdirSync(new URL("src/", root), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .flatMap((path) =>
    [...readFileSync(new URL(`src/${path}`, root), "utf8").matchAll(REFERENCE)].map(
      ([text, page = "", heading, ...items]) => ({ path, text, page, heading, items }),
    ),
  );

test("every page, heading and item that a comment names exists", () => {
  expect(references.length).toBeGreaterThan(20);
  for (const { path, text, page, heading, items } of references) {
    const lines = readFileSync(new URL(page, root), "utf8").split("\n");
    if (heading === undefined) continue;
    const start = lines.findIndex((line) => line.replace(/^#+ /, "") === heading);
    expect(start, `${path}: ${text}`).toBeGreaterThan(-1);
    const section = lines.slice(start + 1);
    const end = section.findIndex((line) => line.startsWith("#"));
    for (const item of items.filter((number) => number !== undefined)) {
      const found = section
        .slice(0, end < 0 ? undefined : end)
        .some((line) => line.startsWith(`${item}. `));
      expect(found, `${path}: ${text}: ${item}`).toBe(true);
    }
  }
});

test("every file that the page on the architecture names exists", () => {
  const page = readFileSync(new URL("docs/architecture.md", root), "utf8");
  const paths = [...page.matchAll(/`((?:[\w-]+\/)+[\w.-]+\.ts)`/g)].map(([, path = ""]) => path);
  expect(paths.length).toBeGreaterThan(30);
  const missing = paths.filter(
    (path) => !["", "src/"].some((at) => existsSync(new URL(at + path, root))),
  );
  expect(missing).toEqual([]);
});
