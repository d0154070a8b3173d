import { expect, test } from "vitest";
import { createPrinter } from "../../../../src/cli/output/printer.ts";
import { chooseStyle } from "../../../../src/cli/output/style.ts";
import {
  AFFILIATES,
  type AffiliateSource,
  createAffiliateSpec,
  IDENTITIES,
  MEMBERS,
  membersOf,
  type ResourceDefinition,
  type ResourceEvent,
  ResourceView,
} from "../../../../src/resources/index.ts";
import {
  DOCUMENTED_AFFILIATES,
  DOCUMENTED_MEMBERS,
  DOCUMENTED_NODES,
  documentedNode,
} from "../../../harness/cluster/documented-cluster.ts";

const DOCUMENTED_WIDE_MEMBERS = `\
NAMESPACE   TYPE     ID                             VERSION   HOSTNAME                       MACHINE TYPE   OS               ADDRESSES
cluster     Member   talos-default-controlplane-1   1         talos-default-controlplane-1   controlplane   Talos (v1.2.3)   ["10.5.0.2"]
cluster     Member   talos-default-worker-1         1         talos-default-worker-1         worker         Talos (v1.2.3)   ["10.5.0.3"]
`;

const OS = "Talos (v1.3.0-alpha.1)";
const OPTIONS = { node: "127.0.0.1:3000", withEvents: false };

function affiliatesOf(sources: readonly AffiliateSource[]) {
  return new Map(sources.map((source) => [source.nodeId, createAffiliateSpec(source)]));
}

function eventsOf<Spec extends object>(
  definition: ResourceDefinition<Spec>,
  specs: ReadonlyMap<string, Spec>,
  version: (id: string) => number = () => 1,
): ResourceEvent<Spec>[] {
  return new ResourceView(definition).replace(specs).map(({ event, resource }) => {
    const metadata = { ...resource.metadata, version: version(resource.metadata.id) };
    return { event, resource: { ...resource, metadata } };
  });
}

test("affiliates look as talosctl prints them, byte for byte", () => {
  const printer = createPrinter("table", AFFILIATES, OPTIONS);
  const version = (id: string) => (id.startsWith("Utoh3O0") ? 4 : 2);
  expect(printer.print(eventsOf(AFFILIATES, affiliatesOf(DOCUMENTED_NODES), version))).toBe(
    DOCUMENTED_AFFILIATES,
  );
});

test("members look as talosctl prints them, byte for byte", () => {
  const printer = createPrinter("table", MEMBERS, OPTIONS);
  const members = membersOf(affiliatesOf(DOCUMENTED_NODES).values());
  const version = (id: string) => (id === "talos-default-controlplane-1" ? 2 : 1);
  expect(printer.print(eventsOf(MEMBERS, members, version))).toBe(DOCUMENTED_MEMBERS);
});

test("wide puts NAMESPACE and TYPE in front", () => {
  const printer = createPrinter("wide", MEMBERS, OPTIONS);
  const members = membersOf(
    affiliatesOf([
      documentedNode("A", "controlplane-1", ["10.5.0.2"], "Talos (v1.2.3)"),
      documentedNode("B", "worker-1", ["10.5.0.3"], "Talos (v1.2.3)"),
    ]).values(),
  );
  expect(printer.print(eventsOf(MEMBERS, members))).toBe(DOCUMENTED_WIDE_MEMBERS);
});

test("an identity's own column is called ID too", () => {
  const printer = createPrinter("wide", IDENTITIES, OPTIONS);
  const nodeId = "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd";
  expect(printer.print(eventsOf(IDENTITIES, new Map([["local", { nodeId }]])))).toBe(
    `NAMESPACE   TYPE       ID      VERSION   ID\ncluster     Identity   local   1         ${nodeId}\n`,
  );
});

test("an empty list is the header", () => {
  const printer = createPrinter("table", MEMBERS, OPTIONS);
  expect(printer.print([])).toBe("ID   VERSION   HOSTNAME   MACHINE TYPE   OS   ADDRESSES\n");
});

test("a watch marks what came with +, what went with -, and what changed with a blank", () => {
  const view = new ResourceView(AFFILIATES);
  const printer = createPrinter("table", AFFILIATES, { ...OPTIONS, withEvents: true });
  const worker = (address: string) =>
    affiliatesOf([documentedNode("Aa", "worker-1", [address], OS)]);
  const text = [
    printer.print(view.replace(new Map())),
    printer.print(view.replace(worker("10.0.0.1"))),
    printer.print(view.replace(worker("10.0.0.2"))),
    printer.print(view.replace(new Map())),
    printer.print(view.replace(new Map())),
  ];
  expect(text).toStrictEqual([
    "",
    "*   ID   VERSION   HOSTNAME                 MACHINE TYPE   ADDRESSES\n" +
      '+   Aa   1         talos-default-worker-1   worker         ["10.0.0.1"]\n',
    '    Aa   2         talos-default-worker-1   worker         ["10.0.0.2"]\n',
    '-   Aa   2         talos-default-worker-1   worker         ["10.0.0.2"]\n',
    "",
  ]);
});

test("later rows of a watch keep the widths of earlier ones", () => {
  const view = new ResourceView(AFFILIATES);
  const printer = createPrinter("table", AFFILIATES, { ...OPTIONS, withEvents: true });
  const long = documentedNode("long-node-id", "controlplane-1", [], OS);
  printer.print(view.replace(affiliatesOf([long])));
  expect(
    printer.print(view.replace(affiliatesOf([long, documentedNode("b", "worker-1", [], OS)]))),
  ).toBe("+   b              1         talos-default-worker-1         worker         []\n");
});

test("a node's text can neither steer the terminal nor break a row", () => {
  const printer = createPrinter("table", AFFILIATES, OPTIONS);
  const evil = { nodeId: "A", hostname: "a\u001b[2J\nb\u202ec\u009b", machineType: "worker" };
  expect(printer.print(eventsOf(AFFILIATES, affiliatesOf([evil])))).toContain(
    "a\\u001b[2J\\u000ab\\u202ec\\u009b   worker",
  );
});

test("colour comes on a terminal only, and NO_COLOR and a dumb terminal switch it off", () => {
  const paint = (isTerminal: boolean, env: Record<string, string>) =>
    createPrinter("table", IDENTITIES, {
      ...OPTIONS,
      style: chooseStyle({ isTerminal }, env),
    }).print([]);
  const plain = "ID   VERSION   ID\n";
  expect(paint(true, {})).toBe("\u001b[1mID   VERSION   ID\u001b[22m\n");
  expect(paint(true, { NO_COLOR: "" })).toContain("\u001b[1m");
  expect(paint(false, {})).toBe(plain);
  expect(paint(true, { NO_COLOR: "1" })).toBe(plain);
  expect(paint(true, { TERM: "dumb" })).toBe(plain);
});
