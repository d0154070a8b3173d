import { expect, test } from "vitest";
import { createAffiliateSpec } from "../../../src/resources/affiliate.ts";
import { apiServerEndpoints, controlPlaneEndpoints } from "../../../src/resources/control-plane.ts";
import { membersOf } from "../../../src/resources/member.ts";

const node = (name: string, machineType: string, addresses: string[], port?: number) =>
  createAffiliateSpec({
    nodeId: name,
    nodename: name,
    machineType,
    addresses,
    controlPlane: port === undefined ? undefined : { port },
  });

const members = [
  ...membersOf([
    node("cp-2", "controlplane", ["172.20.0.10", "fd00::2"], 6443),
    node("cp-1", "init", ["172.20.0.9", "fd00:0::1"], 6443),
    node("worker-1", "worker", ["172.20.0.1"]),
    // A control plane node of its own kind: its API server is another's.
    node("cp-3", "controlplane", ["172.20.0.9", "not an address"]),
    node("edge", "worker", ["10.0.0.1"], 443),
  ]).values(),
];

test("control plane endpoints are the addresses of control plane and init nodes, IPv4 first, by value, each once", () => {
  expect(controlPlaneEndpoints(members)).toStrictEqual([
    "172.20.0.9",
    "172.20.0.10",
    "fd00::1",
    "fd00::2",
  ]);
  expect(controlPlaneEndpoints([])).toStrictEqual([]);
});

test("API servers are every address of every member that has one, with its port", () => {
  expect(apiServerEndpoints(members)).toStrictEqual([
    "10.0.0.1:443",
    "172.20.0.9:6443",
    "172.20.0.10:6443",
    "[fd00::1]:6443",
    "[fd00::2]:6443",
  ]);
});

test.each([0, -1, 65_536, 1.5, Number.NaN])("a port of %d is nobody's", (port) => {
  const odd = membersOf([node("cp-1", "controlplane", ["10.0.0.1"], port)]);
  expect(apiServerEndpoints(odd.values())).toStrictEqual([]);
});
