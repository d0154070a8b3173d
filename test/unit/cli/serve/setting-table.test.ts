import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { choiceOf, parseTimeout } from "../../../../src/cli/flags/flag-values.ts";
import { type SettingTable, settingGroup } from "../../../../src/cli/serve/setting.ts";
import { createSettingOptions, SETTINGS } from "../../../../src/cli/serve/setting-table.ts";

const rows = Object.entries(SETTINGS).map(([path, { name, createOption }]) => {
  return { path, name, kind: createOption().kind };
});

function kebabCase(camelCase: string): string {
  return camelCase.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

test.each(rows)("$path has the name of its flag, --$name", ({ path, name, kind }) => {
  const [place = "", option = ""] = path.split(".");
  const words = kebabCase(option).replace(/-(?:ms|percent)$/, "");
  // A share is called so in its flag; in its option the place says it.
  const names = [place === "shares" ? `${words}-share` : words, `${place}-${words}`];
  // A flag that is given once for each item may be in the singular.
  if (kind === "list") names.push(words.replace(/s$/, ""));
  expect(names).toContain(name);
});

test("no flag is in the table twice", () => {
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
});

/** The headings of settings that limit what clients may do. */
const LIMITS = /^(?:Memory|Rates|Counts|Shares|Timeouts)\b/;

test("docs/operations.md has each limit with its default", () => {
  const page = readFileSync("docs/operations.md", "utf8").replaceAll(/(?<=\d),(?=\d{3})/g, "");
  const limits = createSettingOptions().filter(({ helpGroupHeading = "" }) =>
    LIMITS.test(helpGroupHeading),
  );
  expect(limits.length).toBeGreaterThan(25);
  for (const option of limits) {
    const name = `\`--${option.name()}\``;
    expect(page).toContain(
      option.defaultValue === undefined ? name : `${name} ${option.defaultValue}`,
    );
  }
});

test("a help text is one short clause", () => {
  for (const option of createSettingOptions()) {
    const help = option.description.replace(/(?:; repeatable)? \[[A-Z_]+\]$/, "");
    expect(help.length, option.name()).toBeLessThanOrEqual(85);
    expect(help, option.name()).not.toMatch(/\.$|\. |^[A-Z][a-z]+ /);
  }
});

test("a row with a value that its option does not take does not compile", () => {
  const group = settingGroup("Limits:");
  const wrong: readonly Partial<SettingTable>[] = [
    // @ts-expect-error on or off is not a time
    { "connections.idleTimeoutMs": group.switch("--idle-timeout", "", true) },
    // @ts-expect-error not a level
    { "log.level": group.text("--log-level <level>", "", "loud", choiceOf(["loud"])) },
    // @ts-expect-error a path is needed
    { "snapshot.path": group.optionalText("--snapshot-path <file>", "", String) },
    // @ts-expect-error no such option
    { "connections.idleTimeout": group.text("--idle-timeout <t>", "", "5m", parseTimeout) },
  ];
  expect(wrong).toHaveLength(4);
});
