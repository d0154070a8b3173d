import { describe, expect, test } from "vitest";
import { filterPeerEndpoints, ownEndpoints } from "../../../src/kubespan/own-endpoints.ts";

const code = (code: string) => expect.objectContaining({ name: "DiscoveryError", code });

describe("a node's own endpoints", () => {
  test("are its addresses, the public one, then the extra ones", () => {
    const endpoints = ownEndpoints({
      addresses: ["10.0.0.1", "2001:db8::1"],
      publicAddress: "192.0.2.1",
      extraEndpoints: ["198.51.100.1:4242"],
    });
    expect(endpoints).toEqual([
      "10.0.0.1:51820",
      "[2001:db8::1]:51820",
      "192.0.2.1:51820",
      "198.51.100.1:4242",
    ]);
  });

  test("leave out the addresses of KubeSpan and SideroLink, and of no other unique local network", () => {
    const addresses = [
      ...["fd00:0:0:2::1", "fd7f:175a:b97c:5602::1", "fd00:0:0:3::1"],
      ...["fd00:0:0:1::1", "fd00:0:0:4::1", "fd00:0:0:20::1", "fe80::1%eth0"],
    ];
    expect(ownEndpoints({ addresses })).toEqual([
      "[fd00:0:0:1::1]:51820",
      "[fd00:0:0:4::1]:51820",
      "[fd00:0:0:20::1]:51820",
    ]);
  });

  test("pass the filter, the public address too, and the extra ones whatever it says", () => {
    const source = {
      addresses: ["10.0.0.1", "192.168.0.1", "2001:db8::1"],
      publicAddress: "192.168.7.7",
      extraEndpoints: ["192.168.0.9:1"],
    };
    const filtered = (...filter: string[]) => ownEndpoints({ ...source, filter });
    expect(filtered("0.0.0.0/0", "!192.168.0.0/16")).toEqual(["10.0.0.1:51820", "192.168.0.9:1"]);
    expect(filtered("0.0.0.0/0", "!192.168.0.0/16", "::/0")).toEqual([
      "10.0.0.1:51820",
      "[2001:db8::1]:51820",
      "192.168.0.9:1",
    ]);
    expect(filtered("!192.168.0.0/16")).toEqual(filtered("::/0", "0.0.0.0/0", "!192.168.0.0/16"));
    expect(filtered("172.16.0.0/12")).toEqual(["192.168.0.9:1"]);
  });

  test.each([
    ["beside it", "127.0.0.1"],
    ["through the mesh", "fd00:0:0:2::1"],
  ])("leave out the address at which a service sees a node %s", (_, publicAddress) => {
    const addresses = ["127.0.0.1", "::1", "10.0.0.1"];
    expect(ownEndpoints({ addresses, publicAddress })).toEqual(["10.0.0.1:51820"]);
  });

  test("are each there once", () => {
    const addresses = ["10.0.0.1", "10.0.0.1"];
    const extraEndpoints = ["10.0.0.1:51820"];
    expect(ownEndpoints({ addresses, publicAddress: "10.0.0.1", extraEndpoints })).toEqual([
      "10.0.0.1:51820",
    ]);
  });

  test("have another port where WireGuard does", () => {
    expect(ownEndpoints({ addresses: ["10.0.0.1"], port: 1 })).toEqual(["10.0.0.1:1"]);
  });

  test("of text that does not parse are an error that names it", () => {
    expect(() => ownEndpoints({ addresses: ["x"] })).toThrow(code("ERR_ADDRESS_INVALID"));
    expect(() => ownEndpoints({ addresses: [], filter: ["10.0.0.0"] })).toThrow(
      code("ERR_PREFIX_INVALID"),
    );
    expect(() => ownEndpoints({ addresses: [], extraEndpoints: ["10.0.0.1"] })).toThrow(
      code("ERR_ENDPOINT_INVALID"),
    );
  });
});

test("another node's endpoints are tried where the filter lets them pass", () => {
  const endpoints = ["10.0.0.1:51820", "192.168.0.1:51820", "[fd00::1]:51820"];
  expect(filterPeerEndpoints(endpoints, [])).toEqual(endpoints);
  expect(filterPeerEndpoints(endpoints, ["0.0.0.0/0", "!192.168.0.0/16", "::/0"])).toEqual([
    "10.0.0.1:51820",
    "[fd00::1]:51820",
  ]);
});
