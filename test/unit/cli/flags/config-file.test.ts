import fc from "fast-check";
import { expect, test } from "vitest";
import { UsageError } from "../../../../src/cli/exit.ts";
import { parseConfigFile } from "../../../../src/cli/flags/config-file.ts";
import type { FlagKind } from "../../../../src/cli/flags/flag-values.ts";

const KINDS: ReadonlyMap<string, FlagKind> = new Map([
  ["addr", "text"],
  ["max-clusters", "number"],
  ["max-memory", "size"],
  ["debug", "switch"],
  ["trusted-proxies", "list"],
]);

function parse(text: string): Record<string, unknown> {
  const { entries } = parseConfigFile("serve.yaml", text, KINDS);
  return Object.fromEntries([...entries].map(([name, { value }]) => [name, value]));
}

function complaint(text: string): string {
  try {
    parse(text);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error("accepted");
}

test("each kind of value is read", () => {
  const text =
    '# a comment\naddr: ":3000"\nmax-clusters: 5\ndebug: false\ntrusted-proxies: [10.0.0.0/8, "::1"]\n';
  expect(parse(text)).toStrictEqual({
    addr: ":3000",
    "max-clusters": 5,
    debug: false,
    "trusted-proxies": ["10.0.0.0/8", "::1"],
  });
});

test.each([
  ["max-memory: 268435456", 268_435_456],
  ["max-memory: 256Mi", "256Mi"],
])("%j is a size", (text, value) => {
  expect(parse(text)).toStrictEqual({ "max-memory": value });
});

test("an empty text is one: it switches a listener off", () => {
  expect(parse('addr: ""')).toStrictEqual({ addr: "" });
});

test.each(["", "# nothing\n", "---\n", "null\n", "{}"])("%j sets nothing", (text) => {
  expect(parse(text)).toStrictEqual({});
});

test.each([
  ["adr: :3000", 'serve.yaml:1:1: unknown key "adr"'],
  ["\nmaxClusters: 5", 'serve.yaml:2:1: unknown key "maxClusters" (did you mean max-clusters?)'],
  ["addr: 3000", "serve.yaml:1:7: addr: is not text"],
  ["addr:\n", "serve.yaml:1:6: addr: is not text"],
  ["debug: yes", "serve.yaml:1:8: debug: is not true or false"],
  ['debug: "true"', "serve.yaml:1:8: debug: is not true or false"],
  ["max-clusters: 1.5", "serve.yaml:1:15: max-clusters: is not a whole number"],
  ['max-clusters: "5"', "serve.yaml:1:15: max-clusters: is not a whole number"],
  [
    "max-memory: 1.5",
    "serve.yaml:1:13: max-memory: is not a number of bytes or a text such as 256Mi",
  ],
  ["trusted-proxies: 10.0.0.0/8", "serve.yaml:1:18: trusted-proxies: is not a list of texts"],
  ["trusted-proxies: [1]", "serve.yaml:1:18: trusted-proxies: is not a list of texts"],
  ["addr: x\n---\ndebug: true", "serve.yaml:2:1: is a second document; all keys stand in one"],
  ["- addr", "serve.yaml:1:1: is no list of keys with their values"],
  ["5", "serve.yaml:1:1: is no list of keys with their values"],
  ["? [a]\n: b", 'serve.yaml:1:3: unknown key ""'],
])("%j is refused with its place", (text, message) => {
  expect(complaint(text)).toBe(message);
});

test.each([
  ["addr: a\naddr: b", /^serve\.yaml:2:1: .*unique/],
  ["addr: [", /^serve\.yaml:1:\d+: /],
  ["addr: a\n  b: c", /^serve\.yaml:\d:\d+: /],
  ["addr: *x", /^serve\.yaml:1:7: /],
  ["addr: a\n---\naddr: b", /^serve\.yaml:2:1: /],
  ["addr: !!js a", /^serve\.yaml:1:\d+: /],
])("%j is no YAML for us, and the place is told", (text, pattern) => {
  expect(complaint(text)).toMatch(pattern);
});

test("any text gives values or a UsageError of one place", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string()), (text) => {
      try {
        parse(text);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
        expect((error as Error).message).toMatch(/^serve\.yaml:\d+:\d+: /);
      }
    }),
  );
});
