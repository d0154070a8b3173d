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
      const { documents, tooDeep, problem } = new YamlText(text);
      expect(documents).toEqual([]);
      expect(tooDeep).toMatchObject({
        code: "RESOURCE_EXHAUSTION",
        reason: "nested more than 100 deep",
      });
      expect(problem).toBe(tooDeep);
    },
  );

  test("is, for any text, what the library makes of one document", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string(), yamlish()), (text) => {
        const { documents, problem } = new YamlText(text);
        const expected = parseDocument(text, { prettyErrors: false });
        expect(problem?.code).toBe(expected.errors[0]?.code);
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
