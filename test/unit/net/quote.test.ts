import fc from "fast-check";
import { expect, test } from "vitest";
import { printable, quote, quoteAscii } from "../../../src/net/quote.ts";

test.each([
  ["10.0.0.1", '"10.0.0.1"'],
  ['a "b" \\', String.raw`"a \"b\" \\"`],
  ["\u001b[2J\n", String.raw`"\u001b[2J\n"`],
  ["x".repeat(90), `"${"x".repeat(90)}"`],
  ["x".repeat(91), `"${"x".repeat(90)}"…`],
  [`${"x".repeat(89)}😀`, `"${"x".repeat(89)}${String.raw`\ud83d`}"…`],
])("%j is shown as %s", (text, shown) => {
  expect(quote(text)).toBe(shown);
});

test("a text in ASCII is whole, on one line, and JSON of itself", () => {
  expect(quoteAscii("\u202eab\u2028")).toBe(String.raw`"\u202eab\u2028"`);
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      const shown = quoteAscii(text);
      expect(shown).toMatch(/^[ -~]*$/);
      expect(JSON.parse(shown)).toBe(text);
    }),
  );
});

test("control characters, and what turns the direction of text, are escaped", () => {
  expect(printable("a\u001b[2Jb\n\u009b\u202ec")).toBe("a\\u001b[2Jb\\u000a\\u009b\\u202ec");
  expect(printable("ä → 🙂")).toBe("ä → 🙂");
  // Every character that Unicode calls a control of direction (UAX #9).
  const marks = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069";
  expect(printable(marks)).toMatch(/^(?:\\u[0-9a-f]{4}){12}$/);
});

test("any text in quotes is one line of bounded length, in which nothing turns the direction", () => {
  expect(quote("a\n\u009b\u202eb")).toBe('"a\\n\\u009b\\u202eb"');
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => {
      const shown = quote(text);
      expect(printable(shown)).toBe(shown);
      expect(shown.length).toBeLessThanOrEqual(90 * 6 + 3);
    }),
  );
});
