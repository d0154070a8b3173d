import { describe, expect, test } from "vitest";
import {
  AFFILIATES,
  DEFINITIONS,
  findDefinition,
  KUBESPAN_PEER_STATUSES,
  RAW_AFFILIATES,
} from "../../../src/resources/definitions.ts";

test.each([
  ["affiliates", "cluster", "Affiliate", ["HOSTNAME", "MACHINE TYPE", "ADDRESSES"]],
  ["members", "cluster", "Member", ["HOSTNAME", "MACHINE TYPE", "OS", "ADDRESSES"]],
  ["identities", "cluster", "Identity", ["ID"]],
  ["infos", "cluster", "Info", ["CLUSTER ID", "CLUSTER NAME"]],
  ["kubespanidentities", "kubespan", "KubeSpanIdentity", ["ADDRESS", "PUBLICKEY"]],
  ["kubespanpeerspecs", "kubespan", "KubeSpanPeerSpec", ["LABEL", "ENDPOINTS"]],
  [
    "kubespanpeerstatuses",
    "kubespan",
    "KubeSpanPeerStatus",
    ["LABEL", "ENDPOINT", "STATE", "RX", "TX"],
  ],
  ["kubespanendpoints", "kubespan", "KubeSpanEndpoint", ["ENDPOINT", "AFFILIATE ID"]],
])("%s live in %s, print as %s, and have their columns", (name, namespace, type, columns) => {
  const definition = findDefinition(name);
  expect(definition).toMatchObject({ namespace, displayType: type });
  expect(definition?.columns.map(({ title }) => title)).toStrictEqual(columns);
  expect(definition?.type.toLowerCase()).toBe(`${name}.${namespace}.talos.dev`);
  // In lower case, what the TYPE column says is the singular.
  expect(findDefinition(type.toLowerCase())).toBe(definition);
});

describe("a kind is found", () => {
  test.each([
    ["Members", "Members.cluster.talos.dev"],
    ["member", "Members.cluster.talos.dev"],
    ["m", "Members.cluster.talos.dev"],
    ["a", "Affiliates.cluster.talos.dev"],
    ["i", "Identities.cluster.talos.dev"],
    ["info", "Infos.cluster.talos.dev"],
    ["KubeSpanPeerSpec", "KubeSpanPeerSpecs.kubespan.talos.dev"],
    ["ksps", "KubeSpanPeerSpecs.kubespan.talos.dev"],
    ["ksi", "KubeSpanIdentities.kubespan.talos.dev"],
    ["kse", "KubeSpanEndpoints.kubespan.talos.dev"],
    ["kubespanpeerstatuses.kubespan.talos.dev", "KubeSpanPeerStatuses.kubespan.talos.dev"],
  ])("by the name %s", (name, type) => {
    expect(findDefinition(name)?.type).toBe(type);
  });

  test("in the namespace that is asked for", () => {
    expect(findDefinition("affiliates")).toBe(AFFILIATES);
    expect(findDefinition("a", "cluster")).toBe(AFFILIATES);
    expect(findDefinition("affiliates", "cluster-raw")).toBe(RAW_AFFILIATES);
  });

  test("neither by a strange name nor in a strange namespace", () => {
    expect(findDefinition("nodes")).toBeUndefined();
    expect(findDefinition("toString")).toBeUndefined();
    expect(findDefinition("")).toBeUndefined();
    expect(findDefinition("members", "cluster-raw")).toBeUndefined();
  });
});

test("one name in one namespace is one kind", () => {
  const names = DEFINITIONS.flatMap(({ names, namespace }) =>
    names.map((name) => `${namespace}/${name}`),
  );
  expect(new Set(names).size).toBe(names.length);
});

test("traffic is shown in bytes", () => {
  const cells = KUBESPAN_PEER_STATUSES.columns.map(({ cell }) =>
    cell({
      endpoint: "172.20.0.3:51820",
      label: "controlplane-2",
      state: "up",
      receiveBytes: 15_043_220,
      transmitBytes: 0,
      lastHandshakeTime: "",
      lastUsedEndpoint: "",
      lastEndpointChange: "",
    }),
  );
  expect(cells).toStrictEqual(["controlplane-2", "172.20.0.3:51820", "up", "15043220", "0"]);
});
