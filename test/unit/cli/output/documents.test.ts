import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { createPrinter } from "../../../../src/cli/output/printer.ts";
import {
  createAffiliateSpec,
  MEMBERS,
  membersOf,
  ResourceView,
} from "../../../../src/resources/index.ts";

const NODE = "127.0.0.1:3000";

function memberEvents() {
  const affiliate = createAffiliateSpec({
    nodeId: "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd",
    nodename: "cp-1",
    hostname: "cp-1.example",
    addresses: ["172.20.0.2", "fd83::2"],
    machineType: "controlplane",
    operatingSystem: "Talos (v1.15.0)",
    controlPlane: { port: 6443 },
  });
  const other = createAffiliateSpec({ nodeId: "Z", nodename: "yes" });
  return new ResourceView(MEMBERS).replace(membersOf([affiliate, other]));
}

test("json is one object per resource, indented by four, with sorted keys", () => {
  const printer = createPrinter("json", MEMBERS, { node: NODE, withEvents: false });
  expect(printer.print(memberEvents())).toBe(`{
    "metadata": {
        "id": "cp-1",
        "namespace": "cluster",
        "phase": "running",
        "type": "Members.cluster.talos.dev",
        "version": 1
    },
    "node": "127.0.0.1:3000",
    "spec": {
        "addresses": [
            "172.20.0.2",
            "fd83::2"
        ],
        "controlPlane": {
            "port": 6443
        },
        "hostname": "cp-1.example",
        "machineType": "controlplane",
        "nodeId": "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd",
        "operatingSystem": "Talos (v1.15.0)"
    }
}
{
    "metadata": {
        "id": "yes",
        "namespace": "cluster",
        "phase": "running",
        "type": "Members.cluster.talos.dev",
        "version": 1
    },
    "node": "127.0.0.1:3000",
    "spec": {
        "addresses": [],
        "hostname": "",
        "machineType": "worker",
        "nodeId": "Z",
        "operatingSystem": ""
    }
}
`);
});

test("yaml is one document per resource, with dashes between them, also over several prints", () => {
  const printer = createPrinter("yaml", MEMBERS, { node: NODE, withEvents: false });
  const [first, second] = memberEvents();
  if (!first || !second) throw new Error("two members are expected");
  expect(printer.print([first]) + printer.print([second])).toBe(`node: 127.0.0.1:3000
metadata:
    namespace: cluster
    type: Members.cluster.talos.dev
    id: cp-1
    version: 1
    phase: running
spec:
    nodeId: Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd
    addresses:
        - 172.20.0.2
        - fd83::2
    hostname: cp-1.example
    machineType: controlplane
    operatingSystem: Talos (v1.15.0)
    controlPlane:
        port: 6443
---
node: 127.0.0.1:3000
metadata:
    namespace: cluster
    type: Members.cluster.talos.dev
    id: "yes"
    version: 1
    phase: running
spec:
    nodeId: Z
    addresses: []
    hostname: ""
    machineType: worker
    operatingSystem: ""
`);
});

test.each(["json", "yaml"] as const)("%s of a watch says what happened", (format) => {
  const printer = createPrinter(format, MEMBERS, { node: NODE, withEvents: true });
  expect(printer.print(memberEvents().slice(0, 1))).toMatch(/"?event"?: "?created"?/);
});

test.each(["json", "yaml"] as const)("%s of nothing is nothing", (format) => {
  const printer = createPrinter(format, MEMBERS, { node: NODE, withEvents: false });
  expect(printer.print([])).toBe("");
});

test("no document has anything for a terminal to obey, and each says what was said", () => {
  const hostname = "a\u001b[2J\u009b2J\u202e\u2028\r\n\t\u007fz";
  const events = new ResourceView(MEMBERS).replace(
    membersOf([createAffiliateSpec({ nodeId: "Z", nodename: "\tz", hostname })]),
  );
  for (const format of ["json", "yaml"] as const) {
    const text = createPrinter(format, MEMBERS, { node: NODE, withEvents: false }).print(events);
    expect(text.replaceAll("\n", "")).toMatch(/^[^\p{Cc}\u2028\u202e]+$/u);
    const [document] = format === "json" ? [JSON.parse(text)] : parseAllDocuments(text);
    const value = format === "json" ? document : document.toJS();
    expect(value).toMatchObject({ metadata: { id: "\tz" }, spec: { hostname } });
  }
});
