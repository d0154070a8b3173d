/**
 * Lists of hosts, as people write them.
 * @module
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDiscoveryError } from "../../../../src/errors.ts";
import { createAffiliateSpec } from "../../../../src/resources/affiliate.ts";
import { membersOf } from "../../../../src/resources/member.ts";
import { mergeAffiliates } from "../../../../src/resources/merge.ts";
import { parseStaticMembers } from "../../../../src/sources/static/static-members.ts";

const PUBLIC_KEY = "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=";

const FULL = `
# Hosts at the edge.
- nodename: nas
  hostname: nas.example
  addresses: [192.0.2.9, "2001:DB8::9"]
  machineType: worker
  operatingSystem: Debian 13
  endpoints: ["[2001:db8::9]:51820"]
  kubespan:
    publicKey: ${PUBLIC_KEY}
    address: fd7f:175a:b97c:5602::9
    additionalAddresses: [10.9.0.0/24]
    excludeAdvertisedNetworks: [192.168.0.0/16]
  controlPlane: {port: 6443}
`;

function parse(text: string) {
  return parseStaticMembers(text, "hosts.yaml");
}

function problemOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (isDiscoveryError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error("parsed");
}

describe("a host", () => {
  test("may have everything that a node has, in canonical text", () => {
    expect(parse(FULL)).toStrictEqual([
      createAffiliateSpec({
        nodeId: "static-nas",
        addresses: ["192.0.2.9", "2001:db8::9"],
        hostname: "nas.example",
        nodename: "nas",
        operatingSystem: "Debian 13",
        machineType: "worker",
        endpoints: ["[2001:db8::9]:51820"],
        kubespan: {
          publicKey: PUBLIC_KEY,
          address: "fd7f:175a:b97c:5602::9",
          additionalAddresses: ["10.9.0.0/24"],
          excludeAdvertisedNetworks: ["192.168.0.0/16"],
        },
        controlPlane: { port: 6443 },
      }),
    ]);
  });

  test.each(["nodename", "hostname"])(
    "with a %s alone has it for both, an ID, and is a member",
    (key) => {
      const hosts = parse(`[{ "${key}": "nas.example" }]`);
      expect(hosts[0]).toMatchObject({
        nodeId: "static-nas.example",
        nodename: "nas.example",
        hostname: "nas.example",
        machineType: "unknown",
      });
      expect([...membersOf(hosts).keys()]).toEqual(["nas.example"]);
    },
  );

  test("with a node ID adds to what others know of the node, and replaces only what it names", () => {
    const known = createAffiliateSpec({
      nodeId: "abc",
      hostname: "a.example",
      nodename: "a",
      machineType: "controlplane",
      addresses: ["10.0.0.1"],
      operatingSystem: "Talos (v1.15.0)",
    });
    const [added] = parse("- {nodeId: abc, addresses: [192.0.2.1]}");
    if (added === undefined) throw new Error("no host");
    const merged = mergeAffiliates([
      ["static/abc", added],
      ["service/abc", known],
    ]);
    expect(merged.get("abc")).toStrictEqual({ ...known, addresses: ["10.0.0.1", "192.0.2.1"] });
  });
});

test("the list in the documentation parses", () => {
  const page = readFileSync(new URL("../../../../docs/own-registry.md", import.meta.url), "utf8");
  const hosts = parse(/```yaml\n(.*?)```/s.exec(page)?.[1] ?? "");
  expect(hosts.map(({ nodeId, nodename }) => [nodeId, nodename])).toEqual([
    ["static-nas", "nas"],
    ["static-api.example", "api.example"],
    ["2VfX3nu67ZtZPl57IdJrU87BMjVWkSBJiL9ulP9TCnF", ""],
  ]);
});

describe("a list", () => {
  test("may be empty, but only where it says so", () => {
    expect(parse("[]")).toEqual([]);
    for (const text of ["", "\uFEFF", "\n# nobody\n---\n"]) {
      expect(problemOf(text)).toBe(
        "ERR_STATIC_MEMBERS_INVALID hosts.yaml: line 1: is empty: no hosts are []",
      );
    }
  });

  test("may repeat itself by anchors", () => {
    const hosts = parse("- &a {hostname: a, machineType: worker}\n- {<<: *a, hostname: b}\n");
    expect(hosts.map(({ hostname, machineType }) => [hostname, machineType])).toEqual([
      ["a", "worker"],
      ["b", "worker"],
    ]);
  });

  test.each([
    ["no list", "hosts: []", "line 1: is no list"],
    [
      "no mapping",
      "- nas\n- []",
      "line 1: [0]: is no mapping of keys to values; hosts.yaml: line 2: [1]: is",
    ],
    ["no YAML", "- nodename: 'nas\n", "is no YAML: a quote, bracket, comma or colon is missing"],
    ["no name", "- addresses: [10.0.0.1]", "line 1: [0].nodename: is missing"],
    ["an empty name", "- nodename: ''", "line 1: [0].nodename: is empty"],
    ["an odd name", "- hostname: a/b", "line 1: [0].hostname: is no host name"],
    [
      "a misspelt key",
      "- nodename: a\n  adresses: []",
      "line 2: [0].adresses: is no key of a host",
    ],
    [
      "a misspelt key of the mesh",
      "- nodename: a\n  kubespan:\n    publickey: x",
      "line 3: [0].kubespan.publickey: is no key of a host",
    ],
    ["no address", "- {nodename: a, addresses: [10.0.0.300]}", '"10.0.0.300" is no IP address'],
    ["an alias of nothing", "- {nodename: a, addresses: *nope}", "is an alias without its anchor"],
    ["an item of nothing", "- {nodename: a, addresses: [*no]}", "addresses: is no list of texts"],
    ["no list of texts", "- {nodename: a, addresses: 10.0.0.1}", "addresses: is no list of texts"],
    ["no endpoint", "- {nodename: a, endpoints: [10.0.0.1]}", '"10.0.0.1" is no IP:port'],
    [
      "no prefix",
      "- {nodename: a, kubespan: {additionalAddresses: [10.0.0.1]}}",
      'kubespan.additionalAddresses: "10.0.0.1" is no prefix',
    ],
    [
      "no key",
      "- {nodename: a, kubespan: {publicKey: abc}}",
      "is no base64 of the 32 bytes of a key",
    ],
    ["no port", "- {nodename: a, controlPlane: {port: 65536}}", "controlPlane.port: is no port"],
    ["a missing port", "- {nodename: a, controlPlane: {}}", "controlPlane.port: is missing"],
    [
      "an odd role",
      "- {nodename: a, machineType: boss}",
      "machineType: is none of controlplane, init",
    ],
  ])("with %s is an error that names the line and the key", (_what, text, message) => {
    expect(problemOf(text)).toContain("ERR_STATIC_MEMBERS_INVALID hosts.yaml: line ");
    expect(problemOf(text)).toContain(message);
  });

  test.each([
    [
      "name",
      "- nodename: a\n- nodename: b\n- hostname: a\n",
      "line 3: [2].hostname: is that of line 1 too",
    ],
    ["node ID", "- nodeId: a\n- nodeId: a\n", "line 2: [1].nodeId: is that of line 1 too"],
    [
      "derived ID",
      "- nodename: a\n- nodeId: static-a\n",
      "line 2: [1].nodeId: is that of line 1 too",
    ],
    [
      "public key",
      `- {nodename: a, kubespan: {publicKey: ${PUBLIC_KEY}}}\n- {nodename: b, kubespan: {publicKey: ${PUBLIC_KEY}}}`,
      "line 2: [1].kubespan.publicKey: is that of line 1 too",
    ],
  ])("with one %s twice is an error that names both, once", (_what, text, message) => {
    expect(problemOf(text)).toBe(`ERR_STATIC_MEMBERS_INVALID hosts.yaml: ${message}`);
  });

  test("tells all that is wrong at once, and no key", () => {
    const problem = problemOf(`- addresses: [x]\n- {nodename: a, kubespan: {publicKey: S3CRET}}`);
    expect(problem.match(/hosts.yaml: line/g)).toHaveLength(3);
    expect(problem).not.toContain("S3CRET");
  });

  test("of any text gives hosts or a DiscoveryError", () => {
    const pieces = fc.constantFrom(
      ...[
        "- ",
        "nodename: ",
        "a",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        ": ",
        ",",
        "kubespan: ",
        "*a",
        "&a ",
      ],
      ...["addresses: ", "10.0.0.1", "'", '"', "---", "#", "<<: ", "null", "1e9", "\t", "!!set "],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 25 }), (parts) => {
        try {
          for (const { nodeId } of parse(parts.join(""))) expect(nodeId).not.toBe("");
        } catch (error) {
          expect(isDiscoveryError(error), String(error)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
