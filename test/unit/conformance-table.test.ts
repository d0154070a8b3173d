/** The table of docs/conformance.md names tests: they must exist. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const rows = readFileSync(new URL("docs/conformance.md", root), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("|") && line.endsWith("` |"))
  .map((line) => {
    const [, , name = "", file = ""] = line.split("|").map((cell) => cell.trim());
    return { name, file: file.replaceAll("`", "") };
  });

test("every test that the conformance table names exists", () => {
  expect(rows.length).toBeGreaterThan(40);
  for (const { name, file } of rows) {
    const text = readFileSync(new URL(file, root), "utf8");
    expect(text.includes(name), `${file}: ${name}`).toBe(true);
  }
});
