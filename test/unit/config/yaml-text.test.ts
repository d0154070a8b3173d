import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMap, parseDocument } from "yaml";
import { contentsOf, firstError, problemOf, YamlText } from "../../../src/config/yaml-text.ts";

describe("a text of YAML", () => {
  test("has its documents in their order", () => {
    const { documents, problem } = new YamlText("a: 1\n---\n- b\n---\nc\n");
    expect(documents.map((document) => document.toJS())).toEqual([{ a: 1 }, ["b"], "c"]);
    expect(problem?.code).toBe("MULTIPLE_DOCS");
    expect(problem?.offset).toBe("a: 1\n".length);
  });

  test.each(["", "# nothing\n", "---\n", "null\n", "\uFEFF", "--- ~\n"])(
    "%j is one document without contents",
    (text) => {
      const { documents, problem } = new YamlText(text);
      expect(problem).toBeUndefined();
      expect(documents.map(contentsOf)).toEqual([undefined]);
    },
  );

  test("has places, from 1", () => {
    const text = "a: 1\nb:\n  c: x\n";
    const yaml = new YamlText(text);
    expect(yaml.placeAt(0)).toEqual({ line: 1, column: 1 });
    expect(yaml.placeAt(text.indexOf("x"))).toEqual({ line: 3, column: 6 });
    expect(new YamlText("").placeAt(0)).toEqual({ line: 1, column: 1 });
  });

  test("tells its first problem, and repeats nothing of the text in the reason", () => {
    const { problem } = new YamlText('a: b\nsecret: "hidden\n');
    expect(problem).toMatchObject({
      code: "MISSING_CHAR",
      reason: "a quote, bracket, comma or colon is missing",
    });
    expect(firstError(new YamlText("a: 1\na: 2\n").documents[0] as never)?.offset).toBe(5);
  });

  test("has warnings as problems", () => {
    const [document] = new YamlText("a: !!js b\n").documents;
    expect(document?.errors).toEqual([]);
    expect(document?.warnings.map(problemOf)).toMatchObject([{ code: "TAG_RESOLVE_FAILED" }]);
  });

  test.each(["[".repeat(100_000), `a: ${"{a: ".repeat(500)}`, "- ".repeat(200)])(
    "that is nested too deep is not read",
    (text) => {
      const { documents, tooMuch, problem } = new YamlText(text);
      expect(documents).toEqual([]);
      expect(tooMuch).toMatchObject({
        code: "RESOURCE_EXHAUSTION",
        reason: "nested more than 100 deep",
      });
      expect(problem).toBe(tooMuch);
    },
  );

  test.each([
    ["a: 1\nb:\n  c: 1\n  c: 2\na: 3\n", [17, 22]],
    ["{a: 1, b: {c: 1, c: 2}, a: 3}", [17, 24]],
    ["1: x\n1: y\n'1': z\ntrue: x\ntrue: y\n: x\n: y\n", [5, 25, 37]],
    ["? a\n? a\n- {b: 1}\n", [6]],
    ["a: 1\na", [5]],
  ])("has each key once: %j", (text, offsets) => {
    const [document] = new YamlText(text).documents;
    const expected = parseDocument(text, { prettyErrors: false }).errors;
    expect(expected.flatMap(({ code, pos }) => (code === "DUPLICATE_KEY" ? pos[0] : []))).toEqual(
      offsets,
    );
    const found = document?.errors.map(({ code, message, pos }) => ({ code, message, pos }));
    expect(found).toEqual(expected.map(({ code, message, pos }) => ({ code, message, pos })));
  });

  test.each([
    ["keys", (n: number) => Array.from({ length: n }, (_, i) => `k${i}: v\n`).join("")],
    ["the same key", (n: number) => "k: v\n".repeat(n)],
    [
      "keys in brackets",
      (n: number) => `{${Array.from({ length: n }, (_, i) => `k${i}: v,`).join("")}}`,
    ],
    [
      "an ordered map",
      (n: number) => `!!omap\n${Array.from({ length: n }, (_, i) => `- k${i}: v\n`).join("")}`,
    ],
  ])("takes twice the time for twice as many: %s", (_what, textOf) => {
    const read = (n: number) => {
      const text = textOf(n);
      const started = performance.now();
      new YamlText(text);
      return performance.now() - started;
    };
    const fastest = (n: number) => Math.min(read(n), read(n));
    fastest(500);
    // Squared, it would be 64 times as long.
    expect(fastest(16_000) / fastest(2_000)).toBeLessThan(30);
  });

  test("of more parts than a configuration has is not read", () => {
    const { tooMuch } = new YamlText("a: 1\n".repeat(100_000));
    expect(tooMuch?.reason).toBe("more than 500000 tokens");
    expect(new YamlText("\n".repeat(16 * 1024 * 1024)).tooMuch).toBeDefined();
    // One large text is no configuration either, but costs little.
    expect(new YamlText(`a: |\n${" x\n".repeat(1_000_000)}`).problem).toBeUndefined();
  });

  test("is, for any text, what the library makes of one document", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string(), yamlish()), (text) => {
        const { documents, problem } = new YamlText(text);
        const expected = parseDocument(text, { prettyErrors: false });
        const codes = expected.errors.map(({ code }) => code);
        if (codes.includes("DUPLICATE_KEY")) {
          // Found by us, and among other errors perhaps not at the same place.
          expect(documents[0]?.errors.map(({ code }) => code).sort()).toEqual(
            documents.length > 1 ? expect.anything() : codes.sort(),
          );
          return;
        }
        expect(problem?.code).toBe(codes[0]);
        expect(problem?.offset).toBe(expected.errors[0]?.pos[0]);
        expect(isMap(documents[0]?.contents)).toBe(isMap(expected.contents));
      }),
    );
  });
});

/** Text of what YAML is made of, which is more often YAML than any text is. */
function yamlish() {
  const parts = [
    "a",
    ": ",
    "\n",
    "  ",
    "- ",
    "---\n",
    '"',
    "'",
    "[",
    "]",
    "{",
    "}",
    "*x",
    "&x ",
    "#",
  ];
  return fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((some) => some.join(""));
}
