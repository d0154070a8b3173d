import { expect, test } from "vitest";
import { choiceOf, parseTimeout } from "../../../../src/cli/flags/flag-values.ts";
import { type SettingTable, settingGroup } from "../../../../src/cli/serve/setting.ts";
import { SETTINGS } from "../../../../src/cli/serve/setting-table.ts";

const rows = Object.entries(SETTINGS).map(([path, { name, createOption }]) => {
  return { path, name, kind: createOption().kind };
});

function kebabCase(camelCase: string): string {
  return camelCase.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

test.each(rows)("$path has the name of its flag, --$name", ({ path, name, kind }) => {
  const [place = "", option = ""] = path.split(".");
  const words = kebabCase(option).replace(/-ms$/, "");
  const names = [words, `${place}-${words}`];
  // A flag that is given once for each item may be in the singular.
  if (kind === "list") names.push(words.replace(/s$/, ""));
  expect(names).toContain(name);
});

test("no flag is in the table twice", () => {
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
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
