import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError, parseDiscoveryConfig } from "../../../src/config/index.ts";

const ID = "8XuV9TZHW08DOk3bVxQjH9ih_TBKjnh-j44tsCLSBzo=";
const SECRET = "hHXcBoKBUyuMkdaj2Srbp1QYxiIWJEvQUsUJJFwGfIk=";

const IDENTITY = `apiVersion: v1alpha1
kind: DiscoveryIdentityConfig
clusterID: ${ID}
clusterSecret: ${SECRET}
`;

const service = (name: string, endpoint: string) => `apiVersion: v1alpha1
kind: DiscoveryServiceConfig
name: ${name}
endpoint: ${endpoint}
`;

const documents = (...texts: readonly string[]) => texts.join("---\n");

/** A machine configuration with what stands under `cluster`, by two spaces. */
const machine = (cluster: string) => `version: v1alpha1
debug: false
machine:
  type: controlplane
  token: abcdef.0123456789abcdef
  network: {}
cluster:
  clusterName: home
  controlPlane:
    endpoint: https://10.0.0.1:6443
${cluster}`;

const OLDER_IDENTITY = `  id: ${ID}\n  secret: ${SECRET}\n`;

/** What is wrong with a text, each as `document/line/key: reason`. */
function problemsOf(text: string): string[] {
  try {
    parseDiscoveryConfig(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(
      ({ document, line, key, reason }) => `${document}/${line}/${key}: ${reason}`,
    );
  }
  return [];
}

describe("the older form", () => {
  test("gives the cluster, its names and its service", () => {
    const config = parseDiscoveryConfig(
      machine(`${OLDER_IDENTITY}  discovery:
    enabled: true
    registries:
      kubernetes: {disabled: true}
      service:
        disabled: false
        endpoint: https://discovery.example.internal/
`),
    );
    expect({ ...config, clusterSecret: config.clusterSecret }).toStrictEqual({
      enabled: true,
      clusterId: ID,
      clusterSecret: SECRET,
      clusterName: "home",
      controlPlaneEndpoint: "https://10.0.0.1:6443",
      machineType: "controlplane",
      services: [{ name: "legacy", endpoint: "https://discovery.example.internal/" }],
      kubernetes: false,
    });
  });

  const DEFAULT = { name: "legacy", endpoint: "https://discovery.talos.dev/" };
  const OFF = { enabled: false, services: [], kubernetes: false };

  test.each([
    ["no block is off", "", OFF],
    ["an empty block is off", "  discovery: {}\n", OFF],
    ["a block without a value is off", "  discovery:\n", OFF],
    ["a block without enabled is off", "  discovery:\n    registries: {}\n", OFF],
    ["enabled: false is off", "  discovery: {enabled: false}\n", OFF],
    [
      "enabled alone has both registries, with the default endpoint",
      "  discovery: {enabled: true}\n",
      { enabled: true, services: [DEFAULT], kubernetes: true },
    ],
    [
      "empty registries are on",
      "  discovery: {enabled: true, registries: {kubernetes: {}, service: {}}}\n",
      { enabled: true, services: [DEFAULT], kubernetes: true },
    ],
    [
      "registries without values are on",
      "  discovery:\n    enabled: true\n    registries:\n      kubernetes:\n      service:\n        endpoint:\n",
      { enabled: true, services: [DEFAULT], kubernetes: true },
    ],
    [
      "a service that is disabled leaves Kubernetes",
      "  discovery: {enabled: true, registries: {service: {disabled: true}}}\n",
      { enabled: true, services: [], kubernetes: true },
    ],
    [
      "both may be disabled",
      "  discovery: {enabled: true, registries: {kubernetes: {disabled: true}, service: {disabled: true}}}\n",
      { enabled: true, services: [], kubernetes: false },
    ],
    [
      "what is off may be anything",
      "  discovery: {enabled: false, registries: {service: {endpoint: nowhere}}}\n",
      OFF,
    ],
    [
      "the words of older YAML are switches, as Talos takes them",
      "  discovery: {enabled: yes, registries: {kubernetes: {disabled: on}, service: {disabled: n}}}\n",
      { enabled: true, services: [DEFAULT], kubernetes: false },
    ],
  ])("%s", (_, discovery, expected) => {
    expect(parseDiscoveryConfig(machine(OLDER_IDENTITY + discovery))).toMatchObject(expected);
  });

  test("an ID is any text that is not empty; what looks like a number is one", () => {
    expect(parseDiscoveryConfig(machine("  id: 007\n")).clusterId).toBe("007");
    expect(parseDiscoveryConfig(machine("  id: my cluster\n")).clusterId).toBe("my cluster");
    for (const none of ['  id: ""\n', "  id:\n", "  id: null\n", ""]) {
      expect(parseDiscoveryConfig(machine(none)).clusterId).toBeUndefined();
    }
  });
});

describe("the newer form", () => {
  test("gives the cluster, and services in the order of the documents", () => {
    const config = parseDiscoveryConfig(
      documents(
        IDENTITY,
        service("primary", "https://discovery.talos.dev/"),
        service("lan", "http://10.0.0.2:3000"),
        service("other", "GRPC://discovery.example:443/"),
      ),
    );
    expect(config).toMatchObject({ enabled: true, clusterId: ID, kubernetes: false });
    expect(config.clusterSecret).toBe(SECRET);
    expect(config.services).toStrictEqual([
      { name: "primary", endpoint: "https://discovery.talos.dev/" },
      { name: "lan", endpoint: "http://10.0.0.2:3000" },
      { name: "other", endpoint: "GRPC://discovery.example:443/" },
    ]);
  });

  test("without a service leaves open where the cluster meets", () => {
    expect(parseDiscoveryConfig(IDENTITY)).toMatchObject({ enabled: undefined, services: [] });
  });

  test("beside a machine configuration without a service is off", () => {
    expect(parseDiscoveryConfig(documents(IDENTITY, machine("")))).toMatchObject({
      enabled: false,
      clusterId: ID,
    });
  });

  test("the kind of an identity may be left out", () => {
    expect(parseDiscoveryConfig(`clusterID: a\nclusterSecret: ${SECRET}\n`).clusterId).toBe("a");
  });
});

describe("both forms", () => {
  test("may be mixed across the pairs: identity of one, services of the other", () => {
    const older = machine("  discovery: {enabled: true}\n");
    expect(parseDiscoveryConfig(documents(older, IDENTITY))).toMatchObject({
      clusterId: ID,
      services: [{ name: "legacy" }],
    });
    const newer = documents(machine(OLDER_IDENTITY), service("lan", "http://10.0.0.2"));
    expect(parseDiscoveryConfig(newer)).toMatchObject({
      enabled: true,
      clusterId: ID,
      services: [{ name: "lan" }],
      kubernetes: false,
    });
  });

  test.each(["  discovery: {enabled: true}\n", "  discovery: {}\n", "  discovery:\n"])(
    "exclude each other for services, also where the block is empty: %j",
    (discovery) => {
      expect(
        problemsOf(documents(machine(discovery), service("lan", "http://10.0.0.2"))),
      ).toStrictEqual([
        "1/11/cluster.discovery: excludes documents of kind DiscoveryServiceConfig, also where it is empty: keep one of the two",
      ]);
    },
  );

  test.each([
    [`  id: ${ID}\n`, ["id"]],
    [`  secret: ${SECRET}\n`, ["secret"]],
    [OLDER_IDENTITY, ["id", "secret"]],
  ])("exclude each other for the identity: %#", (identity, keys) => {
    expect(problemsOf(documents(IDENTITY, machine(identity)))).toStrictEqual(
      keys.map(
        (key, index) =>
          `2/${16 + index}/cluster.${key}: excludes a document of kind DiscoveryIdentityConfig: keep one of the two`,
      ),
    );
  });

  test("an identity that is empty in the older form excludes nothing", () => {
    expect(problemsOf(documents(IDENTITY, machine('  id: ""\n  secret:\n')))).toStrictEqual([]);
  });
});

describe("what is wrong is named with document, line and key", () => {
  test.each([
    [
      "a name that stands twice",
      documents(IDENTITY, service("a", "http://x"), service("a", "http://y")),
      ["3/13/name: is that of another service too"],
    ],
    ["a second identity", documents(IDENTITY, IDENTITY), [/^2\/7\/kind: is DiscoveryIdentity/]],
    [
      "a second machine configuration",
      documents(machine(""), machine("")),
      ["2/19/cluster: stands in another document too"],
    ],
    [
      "what is missing",
      "apiVersion: v1alpha1\nkind: DiscoveryServiceConfig\n---\nkind: DiscoveryIdentityConfig\n",
      [
        "1/1/name: is missing",
        "1/1/endpoint: is missing",
        "2/4/apiVersion: is missing",
        "2/4/clusterID: is missing",
        "2/4/clusterSecret: is missing",
      ],
    ],
    [
      "what is empty",
      service('""', "") + IDENTITY.replace(/^(?:.*\n){2}/, "---\n").replace(ID, ""),
      ["1/3/name: is empty", "1/4/endpoint: is empty", "2/6/clusterID: is empty"],
    ],
    ["another version", IDENTITY.replace("v1alpha1", "v2"), ["1/1/apiVersion: is not v1alpha1"]],
    [
      "an endpoint of another scheme",
      service("a", "ftp://x/"),
      ["1/4/endpoint: is no URL with the scheme https, http or grpc"],
    ],
    ["an endpoint without a scheme", service("a", "discovery.talos.dev:443"), [/^1\/4\/endpoint/]],
    ["an endpoint without a host", service("a", "https:///x"), [/^1\/4\/endpoint/]],
    [
      "an endpoint of the older form",
      machine(
        "  discovery:\n    enabled: true\n    registries:\n      service:\n        endpoint: discovery\n",
      ),
      [/^1\/15\/cluster\.discovery\.registries\.service\.endpoint: is no URL/],
    ],
    [
      "a secret of the wrong size",
      machine("  secret: c2hvcnQ=\n"),
      [
        "1/11/cluster.secret: cluster secret is not standard base64 of 32 bytes, which has 44 characters: got 8 characters",
      ],
    ],
    ["a secret that is a list", machine("  secret: [a]\n"), ["1/11/cluster.secret: is no text"]],
    [
      "a switch that is none",
      machine("  discovery: {enabled: maybe}\n"),
      ["1/11/cluster.discovery.enabled: is neither true nor false"],
    ],
    [
      "a block that is text",
      machine("  discovery: on\n"),
      ["1/11/cluster.discovery: is no mapping of keys to values"],
    ],
    [
      "the whole of a cluster, once",
      "cluster: home\n",
      ["1/1/cluster: is no mapping of keys to values"],
    ],
    ["a document that is a list", "- a\n", ["1/1/: is no mapping of keys to values"]],
    ["a document that is a word", `${SECRET}\n`, ["1/1/: is no mapping of keys to values"]],
    ["a tab", "cluster:\n\tid: a\n", ["1/2/: is no YAML: a tab in the indentation"]],
    ["a key that stands twice", "cluster: {}\ncluster: {}\n", [/^1\/2\/: .*twice/]],
    ["an unclosed quote", 'cluster:\n  secret: "abc\n', [/^1\/\d\/: is no YAML/]],
    ["a bracket that is not closed", "a: 1\n---\ncluster: {id: a\n", [/^2\/\d\/: is no YAML/]],
    ["text nested deeply", "[".repeat(100_000), ["1/1/: nested more than 100 deep"]],
    ["mappings nested deeply", `a: ${"{a: ".repeat(500)}`, [/nested/]],
  ])("%s", (_, text, expected) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(expected.length);
    expected.forEach((one, index) => {
      if (typeof one === "string") expect(problems[index]).toBe(one);
      else expect(problems[index]).toMatch(one);
    });
  });

  test("several problems are all in the message, with the source, in the order of the text", () => {
    const text = documents(
      service("a", "ftp://x"),
      service("a", "http://y"),
      machine("  secret: short\n"),
    );
    expect(() => parseDiscoveryConfig(text, { source: "worker.yaml" })).toThrow(
      expect.objectContaining({
        name: "DiscoveryError",
        code: "ERR_CONFIG_INVALID",
        message: expect.stringMatching(
          /^worker\.yaml: document 1, line 4: endpoint: is no URL.*; worker\.yaml: document 2, line 8: name: .*; worker\.yaml: document 3, line 21: cluster\.secret: /,
        ),
      }),
    );
  });

  test("a text that is no string is the caller's mistake", () => {
    expect(() => parseDiscoveryConfig(undefined as never)).toThrow(TypeError);
  });
});

describe("text as people save it", () => {
  const text = documents(machine(OLDER_IDENTITY), service("lan", "http://10.0.0.2"));
  const expected = parseDiscoveryConfig(text);

  test.each([
    ["with CRLF", text.replaceAll("\n", "\r\n")],
    ["with a byte order mark", `\uFEFF${text}`],
    ["with both", `\uFEFF${text.replaceAll("\n", "\r\n")}`],
    ["with separators and comments around", `---\n# mine\n${text}---\n# end\n---\n`],
    ["with the end of a document", `${text}...\n`],
    ["without the last line break", text.trimEnd()],
  ])("is read %s", (_, saved) => {
    const config = parseDiscoveryConfig(saved);
    expect(config).toStrictEqual(expected);
    expect(config.clusterSecret).toBe(SECRET);
  });

  test("unknown documents and keys are passed over, whatever they hold", () => {
    const strange = "kind: VolumeConfig\nname: lan\nsecret: [1, {a: b}]\n---\n";
    const more = text.replace("cluster:\n", "cluster:\n  unknown: {id: 1, deeper: [2]}\n");
    expect(parseDiscoveryConfig(strange + more)).toStrictEqual(expected);
  });

  test("aliases and merged keys are followed, to themselves too", () => {
    const config = parseDiscoveryConfig(
      `x: &id ${ID}\nbase: &base {id: *id, clusterName: a, <<: *base}\ncluster:\n  <<: [*base, *base]\n  clusterName: b\n`,
    );
    expect(config).toMatchObject({ clusterId: ID, clusterName: "b" });
  });

  test.each([
    ["cluster: *nope", "1/1/cluster"],
    ["cluster: {id: *nope}", "1/1/cluster.id"],
    ["cluster: {<<: *nope, id: a}", "1/1/cluster.<<"],
    ["cluster: {discovery: {enabled: *nope}}", "1/1/cluster.discovery.enabled"],
    [
      `kind: DiscoveryIdentityConfig\napiVersion: v1alpha1\nclusterID: a\nclusterSecret: *no`,
      "1/4/clusterSecret",
    ],
  ])("an alias without its anchor is not the same as nothing: %s", (text, where) => {
    expect(problemsOf(text)).toStrictEqual([`${where}: is an alias without its anchor`]);
  });

  test("aliases that multiply cost nothing", () => {
    const lines = Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`);
    const bomb = `a0: &a0 [x]\n${lines.join("\n")}\ncluster: {id: a, secret: *a40}\n`;
    expect(problemsOf(bomb)).toStrictEqual(["1/42/cluster.secret: is no text"]);
  });

  test("nothing at all names nothing", () => {
    for (const nothing of ["", "\n", "# only a comment\n", "---\n---\n"]) {
      expect(parseDiscoveryConfig(nothing)).toMatchObject({
        enabled: undefined,
        clusterId: undefined,
        services: [],
      });
    }
  });
});

describe("the secret", () => {
  const config = parseDiscoveryConfig(documents(IDENTITY, service("a", "http://x")));

  test("is in no JSON, no copy and no inspection, and can be had", () => {
    expect(config.clusterSecret).toBe(SECRET);
    const shown = [
      JSON.stringify(config),
      JSON.stringify({ ...config }),
      inspect(config, { showHidden: true, depth: null }),
      inspect({ config }),
      `${Object.keys(config)}`,
    ];
    for (const text of shown) expect(text).not.toContain(SECRET.slice(0, 8));
  });

  /** Everything that an error could show. */
  function everythingOf(error: unknown): string {
    return inspect(error, { showHidden: true, depth: null, getters: true }) + JSON.stringify(error);
  }

  const whole = documents(
    machine(`${OLDER_IDENTITY}  discovery: {enabled: true}\n`),
    service("a", "http://x"),
    IDENTITY,
  );

  test("is in no error, wherever the text is cut", () => {
    for (let length = 0; length < whole.length; length++) {
      try {
        parseDiscoveryConfig(whole.slice(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        expect(everythingOf(error)).not.toContain(SECRET.slice(0, 8));
      }
    }
  });

  test("is in no error, whatever is put into the text", () => {
    const noise = fc.constantFrom(
      ...["\t", "\n", "  ", ":", "- ", "*", "&", "!", "|", ">", "'", '"', "{", "}", "[", "]"],
      ...["#", "%", "@", "`", "---\n", "...\n", "<<: ", "\u0000", SECRET, ": "],
    );
    const places = fc.array(fc.tuple(fc.nat(whole.length), noise), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(places, (insertions) => {
        let text = whole;
        for (const [place, piece] of insertions) {
          text = text.slice(0, place) + piece + text.slice(place);
        }
        try {
          parseDiscoveryConfig(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          expect(everythingOf(error)).not.toContain(SECRET.slice(4, 12));
        }
      }),
    );
  });
});

test("any text gives a configuration or a ConfigError", () => {
  const word = fc.constantFrom(
    ...["cluster", "machine", "discovery", "enabled", "registries", "service", "endpoint", "kind"],
    ...["id", "secret", "clusterID", "DiscoveryServiceConfig", "true", ID, "http://x", "v1alpha1"],
    ...[
      ":",
      ": ",
      "\n",
      "\n  ",
      "\n    ",
      "- ",
      "{",
      "}",
      "[",
      "]",
      ", ",
      "---\n",
      "&a ",
      "*a",
      "<<",
    ],
    ...['"', "'", "|\n", "!!str ", "#", "\t", "null", "~", "\r\n", "\uFEFF"],
  );
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.array(word, { maxLength: 60 }).map((words) => words.join("")),
  );
  fc.assert(
    fc.property(text, (any) => {
      try {
        const { services, kubernetes, enabled } = parseDiscoveryConfig(any);
        if (enabled !== true) expect([services, kubernetes]).toStrictEqual([[], false]);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        expect((error as ConfigError).problems.length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 500 },
  );
});

test("the form of the text does not matter: JSON and YAML say the same", () => {
  const registry = fc.record(
    { disabled: fc.boolean(), endpoint: fc.constantFrom("http://a", "https://b/") },
    { requiredKeys: [] },
  );
  const cluster = fc.record(
    {
      id: fc.string({ minLength: 1 }),
      clusterName: fc.string({ minLength: 1 }),
      discovery: fc.record(
        {
          enabled: fc.boolean(),
          registries: fc.record({ kubernetes: registry, service: registry }, { requiredKeys: [] }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(cluster, ({ id, clusterName, discovery }) => {
      const config = parseDiscoveryConfig(
        JSON.stringify({ cluster: { id, clusterName, discovery } }),
      );
      const isOn = discovery?.enabled === true;
      const { kubernetes = {}, service: legacy = {} } = discovery?.registries ?? {};
      const endpoint = legacy.endpoint ?? "https://discovery.talos.dev/";
      expect(config).toMatchObject({
        enabled: isOn,
        clusterId: id,
        clusterName,
        services: isOn && legacy.disabled !== true ? [{ name: "legacy", endpoint }] : [],
        kubernetes: isOn && kubernetes.disabled !== true,
      });
    }),
  );
});
