import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseResourceFormat } from "../../../../src/cli/output/formats.ts";
import { parseJsonPathTemplate } from "../../../../src/cli/output/jsonpath-template.ts";
import { createPrinter } from "../../../../src/cli/output/printer.ts";
import {
  createAffiliateSpec,
  MEMBERS,
  membersOf,
  ResourceView,
} from "../../../../src/resources/index.ts";

const RESOURCE = {
  metadata: { id: "cp-1", version: 2 },
  node: "127.0.0.1:3000",
  spec: {
    nodeId: "Utoh3O0Z",
    addresses: ["172.20.0.2", "fd83::2"],
    hostname: "",
    controlPlane: { port: 6443 },
    peers: [
      { label: "w-1", state: "up" },
      { label: "w-2", state: "down" },
    ],
  },
};

const render = (template: string, value: unknown = RESOURCE) =>
  parseJsonPathTemplate(template).render(value);

describe("a template prints what kubectl prints", () => {
  test.each([
    ["{.metadata.id}", "cp-1"],
    ["{$.metadata.id}", "cp-1"],
    ["{@.metadata.id}", "cp-1"],
    ["{['metadata']['id']}", "cp-1"],
    ["{ .metadata.id }", "cp-1"],
    ["{.metadata.version}", "2"],
    ["{.spec.addresses[0]}", "172.20.0.2"],
    ["{.spec.addresses[-1]}", "fd83::2"],
    ["{.spec.addresses[0:1]}", "172.20.0.2"],
    ["{.spec.addresses[*]}", "172.20.0.2 fd83::2"],
    ["{.spec.addresses}", '["172.20.0.2","fd83::2"]'],
    ["{.spec.controlPlane}", '{"port":6443}'],
    ["{.spec['nodeId','hostname']}", "Utoh3O0Z "],
    ["{..port}", "6443"],
    ['{.spec.peers[?(@.state=="down")].label}', "w-2"],
    ["{.spec.peers[?(@.label=='}')].label}", ""],
    ['{.metadata.id}{"\\t"}{.node}{"\\n"}', "cp-1\t127.0.0.1:3000\n"],
    ["{.metadata.id}{'\\n'}", "cp-1\n"],
    ["node {.metadata.id} has {.spec.addresses[0]}.", "node cp-1 has 172.20.0.2."],
    ['{"{"}{.metadata.id}{"}"}', "{cp-1}"],
    ['{range .spec.addresses[*]}{@}{"\\n"}{end}', "172.20.0.2\nfd83::2\n"],
    ["{range .spec.peers[*]}{.label}={.state};{end}", "w-1=up;w-2=down;"],
    ["{range .spec.peers[*]}{$.metadata.id}/{.label} {end}", "cp-1/w-1 cp-1/w-2 "],
    [
      "{range .spec.peers[0:1]}{range $.spec.addresses[*]}{@},{end}{.label}{end}",
      "172.20.0.2,fd83::2,w-1",
    ],
  ])("%s", (template, text) => {
    expect(render(template)).toBe(text);
  });

  test("{@} and {.} are the whole value", () => {
    expect(JSON.parse(render("{@}"))).toStrictEqual(RESOURCE);
    expect(render("{.}")).toBe(render("{@}"));
  });

  test.each([
    "{.spec.nothing}",
    "{.spec.nothing.deeper[0]}",
    "{.spec.addresses[7]}",
    "{.spec.x.*}",
  ])("a missing field is empty: %s", (template) => {
    expect(render(`[${template}]`)).toBe("[]");
  });

  test.each(["{.constructor}", "{.__proto__}", "{.spec.addresses.length}", "{.node.length}"])(
    "what is no data is not there: %s",
    (template) => {
      expect(render(template)).toBe("");
    },
  );
});

describe("a wrong template is refused with its place", () => {
  test.each([
    [".metadata.id", /^a jsonpath template has its paths in braces/],
    ["{.metadata.id", /character 1: a brace or a quote is not closed/],
    ["{.a}{.spec.addresses[}", /character 22: /],
    ["{.spec.addresses[0}", /character 19: unclosed/],
    ["id: {metadata.id}", /character 6: a path starts with a dot/],
    ["{}", /character 2: a path starts with a dot/],
    ["{.a} {.a b}", /character 10: expected/],
    ['{"a}', /character 1: a brace or a quote is not closed/],
    ["{.a.}", /character 5: /],
    ["{range .spec.addresses[*]}{@}", /character 1: {range …} without {end}/],
    ["{.a}{end}", /character 5: {end} without {range …}/],
    ["{range}{end}", /character 2: a path starts with a dot/],
    ["{.a[?(@.b==nonsense(1))]}", /^jsonpath template, character \d+: /],
  ])("%s", (template, message) => {
    expect(() => parseJsonPathTemplate(template)).toThrow(RangeError);
    expect(() => parseJsonPathTemplate(template)).toThrow(message);
  });

  test("any text is a template, or refused in one line that no terminal minds", () => {
    const pieces = fc.constantFrom(
      ...["{", "}", "[", "]", ".", "..", "$", "@", "?", "(", ")", '"', "'", "\\", "*", ",", ":"],
      ...["range ", "end", "a", "spec", "0", "-1", " ", "==", "&&", "\u001b[2J", "\n", "ü", "💥"],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        try {
          parseJsonPathTemplate(parts.join("")).render(RESOURCE);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          expect((error as Error).message).toMatch(/^[^\p{Cc}]+$/u);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test("a node's text cannot steer the terminal, and the template's own text is kept", () => {
  const value = { hostname: "a\u001b[2J\nb", list: ["\u009b1m"] };
  expect(render('{"\\t"}{.hostname}{"\\n"}{.list}', value)).toBe(
    '\ta\\u001b[2J\\u000ab\n["\\u009b1m"]',
  );
});

describe("resources", () => {
  const events = new ResourceView(MEMBERS).replace(
    membersOf([
      createAffiliateSpec({ nodeId: "A", nodename: "cp-1", addresses: ["10.0.0.1"] }),
      createAffiliateSpec({ nodeId: "B", nodename: "w-1" }),
    ]),
  );
  const print = (template: string, withEvents = false) =>
    createPrinter(parseResourceFormat(`jsonpath=${template}`), MEMBERS, {
      node: "127.0.0.1:3000",
      withEvents,
    }).print(events);

  test("are a line each, from what -o json shows", () => {
    expect(print("{.metadata.id} {.spec.addresses[0]} {.node}")).toBe(
      "cp-1 10.0.0.1 127.0.0.1:3000\nw-1  127.0.0.1:3000\n",
    );
  });

  test("get no second line break where the template has one", () => {
    expect(print('{.metadata.id}{"\\n"}')).toBe("cp-1\nw-1\n");
  });

  test("say what happened, where they are watched", () => {
    expect(print("{.event} {.metadata.id}", true)).toBe("created cp-1\ncreated w-1\n");
    expect(print("{.event}{.metadata.id}")).toBe("cp-1\nw-1\n");
  });

  test.each(["jsonpath", "jsonpath=", "jsonpath={", "table=", "Table", ""])(
    "know no format %j",
    (text) => {
      expect(() => parseResourceFormat(text)).toThrow(RangeError);
    },
  );
});
