import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { Flags } from "../../../../src/cli/flags/flags.ts";
import {
  addOwnAffiliateFlags,
  type DescribeMachine,
  readOwnAffiliate,
} from "../../../../src/cli/join/own-affiliate.ts";
import { kubespanIdentity } from "../../../../src/kubespan/identity.ts";

const KUBESPAN = kubespanIdentity({
  address: "fd7f:175a:b97c:5602:2c1a:b6ff:fe53:8169/128",
  subnet: "fd7f:175a:b97c:5602::/64",
  privateKey: "yBGT4PWLd9ghILEdfYXAwLTdFHs1/GWD0wRCyLv4Q1c=",
});

function describeWith(...argv: readonly string[]): DescribeMachine {
  const command = addOwnAffiliateFlags(new Command("join"));
  command.parse(["--address", "10.0.0.1", "--hostname", "w-1.example", ...argv], { from: "user" });
  return readOwnAffiliate(new Flags(command, {}))({ nodeId: "me", kubespan: KUBESPAN });
}

test("a machine is a worker by its host name, or by that of its Kubernetes node, unless it is said", () => {
  const worker = { hostname: "w-1.example", nodename: "w-1.example", machineType: "worker" };
  expect(describeWith()(undefined)).toMatchObject(worker);
  expect(describeWith("--node-name", "w-1")(undefined)).toMatchObject({
    ...worker,
    nodename: "w-1",
  });
  const flags = ["--node-name", "w-1", "--nodename", "w", "--type", "init"];
  expect(describeWith(...flags)(undefined)).toMatchObject({
    hostname: "w-1.example",
    nodename: "w",
    machineType: "init",
  });
});

describe("what a machine publishes in KubeSpan", () => {
  test("is its key, its address, and endpoints: its addresses and the one that a service sees", () => {
    expect(describeWith()("203.0.113.9").kubespan).toEqual({
      publicKey: KUBESPAN.publicKey,
      address: "fd7f:175a:b97c:5602:2c1a:b6ff:fe53:8169",
      additionalAddresses: [],
      endpoints: ["10.0.0.1:51820", "203.0.113.9:51820"],
      excludeAdvertisedNetworks: [],
    });
  });

  test.each(["127.0.0.1", "::1", "fe80::1"])("is not %s, where a service nearby sees it", (ip) => {
    expect(describeWith()(ip).kubespan?.endpoints).toEqual(["10.0.0.1:51820"]);
  });

  test("has a filter for endpoints, and endpoints that no filter touches", () => {
    const flags = ["--endpoint-filter", "!10.0.0.0/8", "--endpoint", "10.9.9.9:4000"];
    expect(describeWith(...flags)("203.0.113.9").kubespan?.endpoints).toEqual([
      "203.0.113.9:51820",
      "10.9.9.9:4000",
    ]);
  });
});
