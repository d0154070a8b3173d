import { expect, test } from "vitest";
import { createAffiliateSpec } from "../../../src/resources/affiliate.ts";
import { parseMachineType } from "../../../src/resources/machine-type.ts";

test("an affiliate that published only its identity has empty fields and is a worker", () => {
  expect(createAffiliateSpec({ nodeId: "abc" })).toStrictEqual({
    nodeId: "abc",
    addresses: [],
    hostname: "",
    nodename: "",
    operatingSystem: "",
    machineType: "worker",
  });
});

test("a full affiliate keeps everything, and its endpoints stand under kubespan", () => {
  const spec = createAffiliateSpec({
    nodeId: "abc",
    addresses: ["172.20.0.2", "fd83::2"],
    hostname: "cp-1.example",
    nodename: "cp-1",
    operatingSystem: "Talos (v1.15.0)",
    machineType: "controlplane",
    kubespan: {
      publicKey: "key",
      address: "fd7f::1",
      additionalAddresses: ["10.244.0.0/24"],
      excludeAdvertisedNetworks: ["192.168.0.0/16"],
    },
    controlPlane: { port: 6443 },
    endpoints: ["172.20.0.2:51820"],
  });
  expect(Object.keys(spec)).toStrictEqual([
    "nodeId",
    "addresses",
    "hostname",
    "nodename",
    "operatingSystem",
    "machineType",
    "kubespan",
    "controlPlane",
  ]);
  expect(spec.kubespan).toStrictEqual({
    publicKey: "key",
    address: "fd7f::1",
    additionalAddresses: ["10.244.0.0/24"],
    endpoints: ["172.20.0.2:51820"],
    excludeAdvertisedNetworks: ["192.168.0.0/16"],
  });
  expect(spec.controlPlane).toStrictEqual({ port: 6443 });
});

test("an endpoint that others reported is shown even where the node published no key", () => {
  const spec = createAffiliateSpec({ nodeId: "abc", endpoints: ["[fd00::1]:51820"] });
  expect(spec.kubespan?.endpoints).toStrictEqual(["[fd00::1]:51820"]);
  expect(spec.kubespan?.publicKey).toBe("");
});

test("a later change of the source's lists does not reach the spec", () => {
  const addresses = ["10.0.0.1"];
  const spec = createAffiliateSpec({ nodeId: "abc", addresses });
  addresses.push("10.0.0.2");
  expect(spec.addresses).toStrictEqual(["10.0.0.1"]);
});

test.each([
  ["init", "init"],
  ["controlplane", "controlplane"],
  ["worker", "worker"],
  ["join", "worker"],
  ["", "worker"],
  [undefined, "worker"],
  ["ControlPlane", "unknown"],
  ["toString", "unknown"],
])("the machine type %j reads as %s", (text, machineType) => {
  expect(parseMachineType(text)).toBe(machineType);
});
