/** What the README shows is what runs. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("the README shows examples/list-members.ts as it is, which a test runs", () => {
  const example = read("examples/list-members.ts");
  const code = example.slice(example.indexOf("*/\n") + 3);
  expect(read("README.md")).toContain(`\`\`\`ts\n${code}\`\`\``);
});

test("the README names every entry point", () => {
  const { exports } = JSON.parse(read("package.json")) as { exports: Record<string, unknown> };
  const readme = read("README.md");
  for (const subpath of Object.keys(exports)) {
    if (subpath === "." || subpath === "./package.json") continue;
    expect(readme).toContain(`\`${subpath.slice(1)}\``);
  }
});

test("the page on registries shows the example and its test as they are, which a test runs", () => {
  const page = read("docs/own-registry.md");
  for (const path of ["examples/own-registry.ts", "examples/own-registry.test.ts"]) {
    const example = read(path);
    expect(page).toContain(`\`\`\`ts\n${example.slice(example.indexOf("*/\n") + 3)}\`\`\``);
  }
});
