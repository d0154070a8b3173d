import { hostname } from "node:os";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { CommandFailure } from "../../../../src/cli/exit.ts";
import { ANSIBLE } from "../../../../src/cli/export/ansible.ts";
import { EXPORT_FORMATS } from "../../../../src/cli/export/command.ts";
import { CSV } from "../../../../src/cli/export/csv.ts";
import { HOSTS } from "../../../../src/cli/export/hosts.ts";
import { PROMETHEUS } from "../../../../src/cli/export/prometheus.ts";
import { TALOSCONFIG } from "../../../../src/cli/export/talosconfig.ts";
import { parseAddress } from "../../../../src/net/address.ts";
import { printable } from "../../../../src/net/quote.ts";
import type { AffiliateSource } from "../../../../src/resources/index.ts";
import { CONTROL_CHARACTERS, hostileMembers } from "../../../harness/cluster/hostile-members.ts";
import { NODES, render } from "./rendering.ts";

const OS = "Talos (v1.15.0)";

/** What any holder of the secret may publish. */
const anyNodes: fc.Arbitrary<AffiliateSource[]> = fc.uniqueArray(
  fc.record({
    nodeId: fc.string({ minLength: 1, unit: "grapheme" }),
    nodename: fc.oneof(fc.string(), fc.constantFrom("a", "A", "b", "localhost", "__proto__")),
    hostname: fc.oneof(fc.string(), fc.domain(), fc.constantFrom("a", "B", "=cmd()", "{{ x }}")),
    operatingSystem: fc.string({ unit: "binary" }),
    machineType: fc.constantFrom("worker", "controlplane", "init", "other"),
    addresses: fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), { maxLength: 4 }),
  }),
  { selector: ({ nodeId }) => nodeId, maxLength: 8 },
);

const ANY_NODE = {
  nodeId: "a",
  nodename: "n",
  hostname: "h",
  operatingSystem: "Talos",
  machineType: "worker",
  addresses: ["10.0.0.1"],
};

describe("every format", () => {
  test("says the same of the same nodes in any order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...EXPORT_FORMATS.filter(({ name }) => name !== "wireguard")),
        anyNodes,
        async (format, nodes) => {
          const { text } = await render(format, nodes);
          expect((await render(format, nodes.toReversed())).text).toBe(text);
          expect(text).toMatch(/\n$/);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("every format, of members that publish hostile texts", () => {
  const hostile = hostileMembers("touch x");

  test("has each of them once", () => {
    for (const key of ["nodeId", "nodename"] as const) {
      expect(new Set(hostile.map((node) => node[key])).size).toBe(hostile.length);
    }
  });

  test("has no control characters besides its own line ends and tabs", async () => {
    for (const format of EXPORT_FORMATS.filter(({ name }) => name !== "wireguard")) {
      const { text } = await render(format, hostile, { argv: [] });
      for (const line of text.split(/\r?\n/)) {
        expect(line.replace(/^([\d.]+)\t/, "$1 ")).not.toMatch(CONTROL_CHARACTERS);
      }
    }
  });

  test("tells of them in lines that show every name in quotes", async () => {
    for (const format of [HOSTS, ANSIBLE]) {
      const { problems } = await render(format, hostile);
      expect(problems.length).toBeGreaterThan(20);
      for (const problem of problems) {
        expect(problem).toMatch(/^(?:hosts|ansible): (?:[\w.-]+:|"|listed)/);
        expect(problem).not.toMatch(CONTROL_CHARACTERS);
      }
    }
  });

  test("takes half a surrogate pair for the sign of what is no text", async () => {
    const half = "a\ud800b";
    const nodes = [{ ...ANY_NODE, nodeId: half, hostname: half, operatingSystem: half }];
    for (const format of EXPORT_FORMATS.filter(({ name }) => name !== "wireguard")) {
      const { text } = await render(format, nodes);
      expect(text.isWellFormed()).toBe(true);
      expect(text).not.toMatch(/\\ud800/i);
    }
  });
});

describe("prometheus", () => {
  test("is one group for each member, with what is known as labels", async () => {
    const { text } = await render(PROMETHEUS, NODES.slice(0, 2), {
      argv: ["--port", "10250"],
      cluster: { name: "prod" },
    });
    expect(JSON.parse(text)).toStrictEqual([
      {
        targets: ["[fd00::2]:10250"],
        labels: {
          __meta_talos_node_name: "cp-2",
          __meta_talos_node_id: "cp2",
          __meta_talos_hostname: "cp-2",
          __meta_talos_machine_type: "controlplane",
          __meta_talos_operating_system: OS,
          __meta_talos_address: "fd00::2",
          __meta_talos_addresses: ",fd00::2,10.0.0.2,192.168.7.2,",
          __meta_talos_control_plane_port: "6443",
          __meta_talos_cluster_name: "prod",
        },
      },
      {
        targets: ["10.0.0.3:10250"],
        labels: {
          __meta_talos_node_name: "worker-1",
          __meta_talos_node_id: "wrk",
          __meta_talos_hostname: "worker-1.example.com",
          __meta_talos_machine_type: "worker",
          __meta_talos_operating_system: OS,
          __meta_talos_address: "10.0.0.3",
          __meta_talos_addresses: ",10.0.0.3,fd00::3,",
          __meta_talos_cluster_name: "prod",
        },
      },
    ]);
  });

  test("of no members is an empty list, on which Prometheus drops its targets", async () => {
    expect((await render(PROMETHEUS, [])).text).toBe("[]\n");
  });
});

describe("hosts", () => {
  test("has a line for each member between two markers: address, host name, node name", async () => {
    expect(await render(HOSTS, NODES, { argv: ["--family", "4"] })).toMatchObject({
      text:
        "# BEGIN talos-discovery\n" +
        "10.0.0.1\tcp-1\n" +
        "10.0.0.2\tcp-2\n" +
        "10.0.0.3\tworker-1\n" +
        "# END talos-discovery\n",
      problems: [
        'hosts: listed by the first label, not in a --domain: "worker-1.example.com"; --any-name lists all labels',
      ],
    });
  });

  test.for([
    ["--domain", "example.com"],
    ["--domain", "example.org,.Example.COM."],
    ["--any-name"],
  ])("lists a name with all its labels for %o", async (argv) => {
    const { text, problems } = await render(HOSTS, NODES.slice(0, 1), { argv });
    expect(text).toContain("10.0.0.3\tworker-1.example.com worker-1\n");
    expect(problems).toStrictEqual([]);
  });

  test("lists what is not in a --domain by its first label, and says which names those are", async () => {
    const hosts = ["github.com", "example.com", "a.notexample.com", "b.example.com.evil.org"];
    const { text, problems } = await render(
      HOSTS,
      hosts.map((hostname, i) => ({
        nodeId: hostname,
        nodename: `n${i}`,
        hostname,
        addresses: [`10.0.0.${i}`],
      })),
      { argv: ["--domain", "example.com"] },
    );
    expect(text.split("\n").slice(1, -2)).toStrictEqual([
      "10.0.0.0\tgithub n0",
      "10.0.0.1\texample n1",
      "10.0.0.2\ta n2",
      "10.0.0.3\tb n3",
    ]);
    const names = hosts.map((name) => `"${name}"`).join(", ");
    expect(problems).toStrictEqual([
      `hosts: listed by the first label, not in a --domain: ${names}; --any-name lists all labels`,
    ]);
  });

  test.for(["exa mple.com", "10.1", "localhost", "."])("refuses --domain %j", async (domain) => {
    await expect(render(HOSTS, NODES, { argv: ["--domain", domain] })).rejects.toThrow(
      `--domain: invalid domain ${JSON.stringify(domain)}: expected a name such as example.com`,
    );
  });

  test("lists no name that programs look up by themselves, nor this machine's own", async () => {
    const own = hostname().toLowerCase().split(".", 1)[0] ?? "";
    const reserved = ["wpad", "WPAD.", "wpad.example.com", "isatap", "localhost.evil.com"];
    const nodes = [...reserved, "ip6-allnodes", hostname(), `${own}.example.com`, own].map(
      (name, i) => ({ nodeId: `${i}`, nodename: `n${i}`, hostname: name, addresses: ["10.0.0.1"] }),
    );
    const { text, problems } = await render(HOSTS, nodes, { argv: ["--domain", "example.com"] });
    const listed = text.split("\n").slice(1, -2);
    expect(listed).toStrictEqual(nodes.map(({ nodename }) => `10.0.0.1\t${nodename}`));
    expect(problems.slice(0, 4)).toStrictEqual([
      'hosts: n0: "wpad" is left out, the name is reserved',
      'hosts: n1: "wpad" is left out, the name is reserved',
      'hosts: n2: "wpad.example.com" is left out, the name is reserved',
      'hosts: n3: "isatap" is left out, the name is reserved',
    ]);
    expect(problems.at(-1)).toBe(`hosts: n8: "${own}" is left out, it is this machine's own name`);
    for (const argv of [[], ["--any-name"]]) {
      const any = (await render(HOSTS, nodes, { argv })).text;
      expect(any).not.toMatch(/wpad|isatap|localhost|ip6-/);
    }
  });

  test("takes no name from a node by a longer one that begins with it", async () => {
    const { text } = await render(HOSTS, [
      { nodeId: "a", nodename: "worker-1", hostname: "", addresses: ["10.0.0.1"] },
      { nodeId: "b", nodename: "worker-1.evil.org", hostname: "x", addresses: ["10.66.0.1"] },
      { nodeId: "c", nodename: "y", hostname: "worker-1.evil.net", addresses: ["10.66.0.2"] },
    ]);
    expect(text.split("\n").slice(1, -2)).toStrictEqual([
      "10.0.0.1\tworker-1",
      "10.66.0.1\tx",
      "10.66.0.2\ty",
    ]);
  });

  test("has no name of another site, whatever members publish", async () => {
    const { text } = await render(HOSTS, hostileMembers("touch x"), {
      argv: ["--domain", "example.com"],
    });
    const names = text
      .split("\n")
      .slice(1, -2)
      .flatMap((line) => line.split("\t")[1]?.split(" ") ?? []);
    expect(names.length).toBeGreaterThan(50);
    for (const name of names) expect(name).toMatch(/^[a-z0-9-]+$/);
    expect(names).toEqual(expect.arrayContaining(["github", "registry", "constructor"]));
    for (const name of ["localhost", "wpad", "isatap", "10", "-x", hostname().toLowerCase()]) {
      expect(names).not.toContain(name);
    }
  });

  test("leaves out names that are none, and that would stand for the machine itself", async () => {
    const hosts = ["under_score", "10.1", "localhost", "evil.localhost", "new\nline", "-x"];
    const { text, problems } = await render(HOSTS, [
      ...hosts.map((hostname, i) => ({
        nodeId: hostname,
        nodename: `n${i}`,
        hostname,
        addresses: [`10.0.0.${i}`],
      })),
      { nodeId: "z", nodename: "0x7f.1", hostname: "", addresses: ["10.0.0.9"] },
    ]);
    expect(text.split("\n").slice(1, -2)).toStrictEqual(hosts.map((_, i) => `10.0.0.${i}\tn${i}`));
    expect(problems).toHaveLength(7);
    expect(problems[5]).toBe('hosts: n4: "new\\nline" is left out, it is not a valid host name');
    expect(problems[0]).toBe('hosts: 0x7f.1: "0x7f.1" is left out, it is not a valid host name');
  });

  test("gives a name to the member whose node name it is, else to nobody", async () => {
    const { text, problems } = await render(HOSTS, [
      { nodeId: "a", nodename: "n1", hostname: "Same", addresses: ["10.0.0.1"] },
      { nodeId: "b", nodename: "n2", hostname: "same.", addresses: ["10.0.0.2"] },
      { nodeId: "c", nodename: "n3", hostname: "n1", addresses: ["10.0.0.3"] },
      { nodeId: "d", nodename: "N4", hostname: "n4", addresses: ["10.0.0.4"] },
      { nodeId: "e", nodename: "n4", hostname: "", addresses: ["10.0.0.5"] },
    ]);
    expect(text.split("\n").slice(1, -2)).toStrictEqual([
      "10.0.0.1\tn1",
      "10.0.0.2\tn2",
      "10.0.0.3\tn3",
    ]);
    expect(problems).toStrictEqual([
      'hosts: N4: "n4" is left out, n4 has it too',
      'hosts: n1: "same" is left out, n2 has it too',
      'hosts: n2: "same" is left out, n1 has it too',
      'hosts: n3: "n1" is left out, n1 has it too',
      'hosts: n4: "n4" is left out, N4 has it too',
    ]);
  });

  test("has lines that parse, and no name twice, whatever nodes say", async () => {
    await fc.assert(
      fc.asyncProperty(anyNodes, async (nodes) => {
        const lines = (await render(HOSTS, nodes)).text.split("\n").slice(1, -2);
        const seen = new Set<string>();
        for (const line of lines) {
          const [address = "", rest = ""] = line.split("\t");
          expect(() => parseAddress(address)).not.toThrow();
          for (const name of rest.split(" ")) {
            expect(name).toMatch(/^[a-z0-9.-]+$/);
            expect(seen.has(name)).toBe(false);
            seen.add(name);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("replaces its own block of a file, and nothing else", async () => {
    const { text, merge } = await render(HOSTS, NODES.slice(0, 1));
    const own = "127.0.0.1 localhost\r\n\n# ours";
    const first = merge?.(own, text) ?? "";
    expect(first).toBe(`${own}\n${text}`);
    const after = `${first}10.9.9.9 other\nno break at the end`;
    expect(merge?.(after, text)).toBe(after);
    const { text: empty } = await render(HOSTS, []);
    expect(merge?.(after, empty)).toBe(
      `${own}\n# BEGIN talos-discovery\n# END talos-discovery\n10.9.9.9 other\nno break at the end`,
    );
    expect(merge?.("", text)).toBe(text);
  });

  test("shares no name with the rest of a file", async () => {
    const { text, merge } = await render(HOSTS, NODES, { argv: ["--family", "4", "--any-name"] });
    const before = "127.0.0.1 localhost\n10.9.9.9\tCP-1. other # cp-2\n";
    const after = "10.9.9.8 worker-1\n";
    const block =
      "# BEGIN talos-discovery\n" +
      "# cp-1 is left out: it has a line of its own\n" +
      "# worker-1 is left out: it has a line of its own\n" +
      "10.0.0.2\tcp-2\n" +
      "10.0.0.3\tworker-1.example.com\n" +
      "# END talos-discovery\n";
    expect(merge?.(before + after, text)).toBe(before + after + block);
    const merged = before + block + after;
    expect(merge?.(merged, text)).toBe(merged);
    expect(merge?.(before + text + after, text)).toBe(merged);
  });

  test.for([
    "# BEGIN talos-discovery\n",
    "# END talos-discovery\n# BEGIN talos-discovery\n",
    "# BEGIN talos-discovery\n# BEGIN talos-discovery\n# END talos-discovery\n",
  ])("leaves a file alone in which its block is not whole: %j", async (existing) => {
    const { text, merge } = await render(HOSTS);
    expect(() => merge?.(existing, text)).toThrow(
      'expected one line "# BEGIN talos-discovery" and one "# END talos-discovery" after it',
    );
  });
});

describe("ansible", () => {
  const nodes = [
    ...NODES,
    { nodeId: "u", nodename: "u", machineType: "?", addresses: ["10.0.0.9"] },
  ];

  test("has groups and all variables at once, as a script is asked for", async () => {
    const { text } = await render(ANSIBLE, nodes, { argv: ["--list", "--port", "2222"] });
    const inventory = JSON.parse(text);
    expect(inventory).toMatchObject({
      all: { children: ["controlplane", "worker", "ungrouped"] },
      controlplane: { hosts: ["cp-1", "cp-2"] },
      worker: { hosts: ["worker-1"] },
      ungrouped: { hosts: ["u"] },
    });
    expect(Object.keys(inventory._meta.hostvars)).toStrictEqual(["cp-1", "cp-2", "u", "worker-1"]);
    expect(inventory._meta.hostvars["cp-2"]).toStrictEqual({
      ansible_host: "fd00::2",
      ansible_port: 2222,
      talos_node_id: "cp2",
      talos_hostname: "cp-2",
      talos_machine_type: "controlplane",
      talos_operating_system: OS,
      talos_addresses: ["fd00::2", "10.0.0.2", "192.168.7.2"],
      talos_control_plane_port: 6443,
    });
  });

  test("has one host's variables, and none for a host that is not there", async () => {
    const one = await render(ANSIBLE, nodes, { argv: ["--host", "worker-1"] });
    expect(JSON.parse(one.text)).toMatchObject({ ansible_host: "10.0.0.3" });
    const none = await render(ANSIBLE, nodes, { argv: ["--host", "constructor"] });
    expect(none.text).toBe("{}\n");
  });

  test("in a file has hosts with their variables in groups", async () => {
    const { text } = await render(ANSIBLE, nodes, { argv: ["--out", "inventory.json"] });
    expect(JSON.parse(text)).toMatchObject({
      all: {
        children: {
          controlplane: { hosts: { "cp-1": { ansible_host: "10.0.0.1" }, "cp-2": {} } },
          worker: { hosts: { "worker-1": { talos_hostname: "worker-1.example.com" } } },
          ungrouped: { hosts: { u: { talos_machine_type: "unknown" } } },
        },
      },
    });
  });

  test("takes no node for localhost or for several, and nothing that a node says for a template", async () => {
    const { text, problems } = await render(ANSIBLE, [
      { nodeId: "a", nodename: "localhost", addresses: ["10.0.0.1"] },
      { nodeId: "b", nodename: "w[1:9]", addresses: ["10.0.0.2"] },
      {
        nodeId: "c",
        nodename: "c",
        hostname: "{{ lookup('pipe', 'id') }}",
        operatingSystem: "{% raw",
        addresses: ["10.0.0.3"],
      },
    ]);
    expect(JSON.parse(text)._meta.hostvars).toStrictEqual({
      c: expect.objectContaining({
        talos_hostname: { __ansible_unsafe: "{{ lookup('pipe', 'id') }}" },
        talos_operating_system: { __ansible_unsafe: "{% raw" },
      }),
    });
    expect(problems).toStrictEqual([
      'ansible: "localhost" is left out, it is not a valid host name',
      'ansible: "w[1:9]" is left out, it is not a valid host name',
    ]);
  });

  test("has no host with a group's name", async () => {
    const names = ["all", "ALL", "ungrouped", "controlplane", "Worker.", "hostvars"];
    const { text, problems } = await render(
      ANSIBLE,
      [...names, "fine"].map((nodename) => ({
        nodeId: nodename,
        nodename,
        addresses: ["10.0.0.1"],
      })),
    );
    expect(Object.keys(JSON.parse(text)._meta.hostvars)).toStrictEqual(["fine"]);
    expect(problems).toHaveLength(names.length);
    expect(problems).toContain('ansible: "Worker." is left out, the name is reserved');
  });

  test.for(["script", "file"])("marks what could be a template, in a %s", async (form) => {
    const { text } = await render(ANSIBLE, hostileMembers("touch x"), { argv: ["--form", form] });
    const plain: string[] = [];
    const marked: string[] = [];
    const collect = (value: unknown, into: string[]): void => {
      if (typeof value === "string") into.push(value);
      else if (Array.isArray(value)) for (const item of value) collect(item, into);
      else if (typeof value === "object" && value !== null) {
        for (const [key, item] of Object.entries(value)) {
          if (key !== "__ansible_unsafe") plain.push(key);
          collect(item, key === "__ansible_unsafe" ? marked : into);
        }
      }
    };
    collect(JSON.parse(text), plain);
    for (const said of plain) expect(said).toMatch(/^[A-Za-z0-9 .,:/()_+-]*$/);
    expect(marked.length).toBeGreaterThan(3 * 30);
    expect(new Set(plain)).toContain("member-1");
    // Node ID, host name and operating system alike.
    const jinja = "{{ lookup('pipe', 'touch x') }}";
    expect(marked.filter((said) => said === jinja)).toHaveLength(3);
  });
});

describe("talosconfig", () => {
  test("has the control plane as endpoints and all members as nodes", async () => {
    const { text } = await render(TALOSCONFIG, NODES, {
      argv: ["--family", "4"],
      cluster: { name: "prod" },
    });
    expect(text).toBe(
      "context: prod\ncontexts:\n    prod:\n        endpoints:\n            - 10.0.0.1\n            - 10.0.0.2\n" +
        "        nodes:\n            - 10.0.0.1\n            - 10.0.0.2\n            - 10.0.0.3\n",
    );
  });

  test("has each address once, also where the record of a wiped machine is still there", async () => {
    const control = { machineType: "controlplane", addresses: ["10.0.0.1"] };
    const { text } = await render(TALOSCONFIG, [
      { ...control, nodeId: "old", nodename: "before" },
      { ...control, nodeId: "new", nodename: "after" },
    ]);
    expect(parse(text).contexts["talos-discovery"]).toStrictEqual({
      endpoints: ["10.0.0.1"],
      nodes: ["10.0.0.1"],
    });
  });

  test("has endpoints whatever --type says, with a port where one is given, and no nodes where none are wanted", async () => {
    const argv = ["--type", "worker", "--port", "50001", "--context", "c"];
    expect(parse((await render(TALOSCONFIG, NODES, { argv })).text)).toStrictEqual({
      context: "c",
      contexts: {
        c: { endpoints: ["10.0.0.1:50001", "[fd00::2]:50001"], nodes: ["10.0.0.3"] },
      },
    });
    const only = await render(TALOSCONFIG, NODES, { argv: [...argv, "--endpoints-only"] });
    expect(parse(only.text).contexts.c).toStrictEqual({
      endpoints: ["10.0.0.1:50001", "[fd00::2]:50001"],
    });
  });

  test("says where there is no control plane to talk to", async () => {
    const { problems } = await render(TALOSCONFIG, NODES.slice(0, 1));
    expect(problems).toStrictEqual([
      "talosconfig: no endpoints, because none of these members is a control plane node",
    ]);
    expect((await render(TALOSCONFIG, [])).problems).toStrictEqual([]);
  });

  test("leaves keys, comments, other contexts and the current one of a file as they are", async () => {
    const { text, merge } = await render(TALOSCONFIG, NODES.slice(1), {
      argv: ["--context", "prod"],
    });
    const existing = (endpoints: string, more: string) =>
      "context: lab # the one in use\ncontexts:\n    lab:\n        endpoints: [ 10.9.9.9 ]\n        ca: bGFi\n" +
      `    prod:\n        endpoints:\n${endpoints}        ca: Y2E=\n        crt: Y3J0\n        key: a2V5\n${more}`;
    const merged = merge?.(existing("            - 10.0.0.77\n", ""), text);
    expect(merged).toBe(
      existing(
        "            - 10.0.0.1\n            - fd00::2\n",
        "        nodes:\n            - 10.0.0.1\n            - fd00::2\n",
      ),
    );
    expect(merge?.(merged ?? "", text)).toBe(merged);
    expect(merge?.("", text)).toBe(text);
    expect(parse(merge?.("contexts: {}\n", text) ?? "")).toStrictEqual(parse(text));
  });

  test.for(["- a list\n", "key: [secret\n", "plain"])(
    "leaves a file alone that is none of talosctl's: %j",
    async (existing) => {
      const { text, merge } = await render(TALOSCONFIG);
      expect(() => merge?.(existing, text)).toThrow(
        new CommandFailure("is no configuration of talosctl, and is left as it is"),
      );
    },
  );
});

describe("csv", () => {
  test("has a header and a row for each member", async () => {
    expect((await render(CSV, NODES.slice(0, 2))).text).toBe(
      "node_name,node_id,hostname,machine_type,operating_system,address,addresses,control_plane_port\r\n" +
        `cp-2,cp2,cp-2,controlplane,${OS},fd00::2,fd00::2 10.0.0.2 192.168.7.2,6443\r\n` +
        `worker-1,wrk,worker-1.example.com,worker,${OS},10.0.0.3,10.0.0.3 fd00::3,\r\n`,
    );
  });

  test.for([
    ["=1+1", "'=1+1"],
    ["\uff1d1+1", "'\uff1d1+1"],
    ["  @x", "  '@x"],
    ["x;=1;+2", "x;'=1;'+2"],
    ['x;"=1"', 'x;"\'=1"'],
    ["\t=1", "\\u0009=1"],
    ["\n=1", "\\u000a=1"],
    ["Talos (v1.15.0) a-b", "Talos (v1.15.0) a-b"],
  ])("writes %j as %j", async ([said, shown]) => {
    const { text } = await render(CSV, [{ ...ANY_NODE, operatingSystem: said }]);
    expect(parseCsv(text)[1]?.[4]).toBe(shown);
  });

  test("has a column of targets where a port is given", async () => {
    const { text } = await render(CSV, NODES.slice(0, 2), { argv: ["--port", "9100"] });
    const targets = parseCsv(text).map((row) => row.at(-1));
    expect(targets).toEqual(["target", "[fd00::2]:9100", "10.0.0.3:9100"]);
  });

  test("reads back as what nodes said, with nothing that begins as a formula does", async () => {
    await fc.assert(
      fc.asyncProperty(anyNodes, async (nodes) => {
        const [, ...rows] = parseCsv((await render(CSV, nodes)).text);
        const said = new Map(nodes.map((node) => [withoutGuard(printable(node.nodeId)), node]));
        for (const row of rows) {
          expect(row).toHaveLength(8);
          for (const cell of row) expect(cell).not.toMatch(FORMULA);
          const [name, nodeId, hostname, , os] = row.map(withoutGuard);
          const node = said.get(nodeId ?? "");
          expect([name, hostname, os]).toStrictEqual([
            withoutGuard(printable((node?.nodename ?? "").toWellFormed())),
            withoutGuard(printable((node?.hostname ?? "").toWellFormed())),
            withoutGuard(printable((node?.operatingSystem ?? "").toWellFormed())),
          ]);
        }
      }),
      {
        numRuns: 300,
        // A guard of the node's own, which once was taken for ours.
        examples: [[[{ ...ANY_NODE, nodeId: "'=1" }]]],
      },
    );
  });
});

/** Where some spreadsheet would begin a formula: in a cell, or in what it takes for several. */
const FORMULA = /(?:^|[,;|\t])[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

/** A guard may also be what a node said itself. */
function withoutGuard(cell: string): string {
  return cell.replaceAll(/((?:^|[,;|])[\s"]*)'(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g, "$1");
}

/** RFC 4180, character by character. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (isQuoted) {
      if (character !== '"') cell += character;
      else if (text[i + 1] === '"') cell += text[++i];
      else isQuoted = false;
    } else if (character === '"' && cell === "") isQuoted = true;
    else if (character === ",") {
      row.push(cell);
      cell = "";
    } else if (character === "\r" && text[i + 1] === "\n") {
      rows.push([...row, cell]);
      row = [];
      cell = "";
      i++;
    } else cell += character;
  }
  expect([isQuoted, row, cell]).toStrictEqual([false, [], ""]);
  return rows;
}
