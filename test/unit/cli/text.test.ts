import fc from "fast-check";
import { expect, test } from "vitest";
import { oneLine } from "../../../src/cli/exit.ts";
import { type CliIo, writeNotice } from "../../../src/cli/io.ts";
import {
  counted,
  hasControlCharacters,
  outsideText,
  printableLines,
  redactSecrets,
  shortList,
} from "../../../src/cli/text.ts";

const anyText = fc.string({ unit: "binary", maxLength: 600 });

test("text of several lines keeps its line breaks and tabs", () => {
  expect(printableLines("a\tb\r\nc\u0007\n")).toBe("a\tb\r\nc\\u0007\n");
});

test("any text from outside is one line of the length that is asked for", () => {
  expect(outsideText(" a \r\n b ")).toBe("a b");
  expect(outsideText("abcdef", 3)).toBe("abc…");
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 200 }), (text, maxCharacters) => {
      const shown = outsideText(text, maxCharacters);
      expect(hasControlCharacters(shown)).toBe(false);
      expect(shown.length).toBeLessThanOrEqual(maxCharacters + 1);
    }),
  );
});

test("an error is one line, however much somebody has sent", () => {
  expect(oneLine(new Error(" a \r\n\n b\n"))).toBe("a b");
  expect(oneLine("x".repeat(10_000_000))).toBe(`${"x".repeat(4000)}…`);
  const written: string[] = [];
  const stderr = { write: (text: string) => written.push(text), isTerminal: false };
  writeNotice({ stderr } as unknown as CliIo, "\u0000".repeat(10_000_000));
  expect(written.join("").length).toBeLessThan(40_000);
});

test("whatever has the form of a cluster secret is blanked, and nothing longer", () => {
  const secret = `${"A".repeat(43)}=`;
  expect(redactSecrets(`secret ${secret}, again "${secret}"`)).toBe(
    'secret (redacted), again "(redacted)"',
  );
  expect(redactSecrets(`B${secret}`)).toBe(`B${secret}`);
});

test("numbers and lists are written as people read them", () => {
  expect([0, 1, 2].map((count) => counted(count, "member"))).toEqual([
    "0 members",
    "1 member",
    "2 members",
  ]);
  expect(shortList(["a", "b"], 2)).toBe("a, b");
  expect(shortList(["a", "b", "c", "d"], 2)).toBe("a, b and 2 more");
});
