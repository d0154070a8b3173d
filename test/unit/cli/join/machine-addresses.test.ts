import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, test } from "vitest";
import { MachineAddresses } from "../../../../src/cli/join/machine-addresses.ts";
import { parseAddressFilter } from "../../../../src/net/address-filter.ts";

/** A machine with one network card for each list. */
class Machine {
  cards: readonly (readonly string[])[] = [];
  isOutOfMemory = false;

  readonly interfaces = (): Record<string, NetworkInterfaceInfo[]> => {
    if (this.isOutOfMemory) throw new Error("uv_interface_addresses");
    const entries = this.cards.map((addresses, i) => [`eth${i}`, addresses.map(info)] as const);
    return Object.fromEntries([...entries, ["lo", [info("127.0.0.1"), info("::1")]]]);
  };

  addresses(...filter: string[]): MachineAddresses {
    return new MachineAddresses(parseAddressFilter(filter), this.interfaces);
  }
}

function info(address: string): NetworkInterfaceInfo {
  const internal = address === "127.0.0.1" || address === "::1";
  const common = { address, netmask: "", mac: "", internal, cidr: null };
  return address.includes(":")
    ? { ...common, family: "IPv6", scopeid: 0 }
    : { ...common, family: "IPv4" };
}

describe("a machine's addresses", () => {
  test("are those that mean something elsewhere, each once, in canonical text", () => {
    const machine = new Machine();
    machine.cards = [
      ["10.0.0.1", "FD00:0::1", "fe80::1%eth0", "169.254.1.1"],
      ["192.168.0.1", "10.0.0.1"],
    ];
    expect(machine.addresses().current()).toEqual(["10.0.0.1", "fd00::1", "192.168.0.1"]);
  });

  test("are chosen by a filter, whose negated prefixes win", () => {
    const machine = new Machine();
    machine.cards = [["10.0.0.1", "10.244.0.1", "fd00::1", "192.168.0.1"]];
    const addresses = (...filter: string[]) => machine.addresses(...filter).current();
    expect(addresses("10.0.0.0/8", "!10.244.0.0/16")).toEqual(["10.0.0.1"]);
    expect(addresses("!10.0.0.0/8")).toEqual(["fd00::1", "192.168.0.1"]);
    expect(addresses("fd00::/8", "192.168.0.0/16")).toEqual(["fd00::1", "192.168.0.1"]);
    expect(addresses("172.16.0.0/12")).toEqual([]);
  });

  test("are the same list while they are the same addresses, in whatever order the system has them", () => {
    const machine = new Machine();
    machine.cards = [["10.0.0.1", "10.0.0.2"]];
    const addresses = machine.addresses();
    const first = addresses.current();
    machine.cards = [["10.0.0.2"], ["10.0.0.1"]];
    expect(addresses.current()).toBe(first);
    machine.cards = [["10.0.0.3", "10.0.0.2"]];
    expect(addresses.current()).toEqual(["10.0.0.3", "10.0.0.2"]);
  });

  test("stay while there is none, and while the system does not tell", () => {
    const machine = new Machine();
    machine.cards = [["10.0.0.1"]];
    const addresses = machine.addresses();
    const first = addresses.current();
    machine.cards = [[]];
    expect(addresses.current()).toBe(first);
    machine.isOutOfMemory = true;
    expect(addresses.current()).toBe(first);
  });

  test("of this machine are read", () => {
    const here = new MachineAddresses(parseAddressFilter([])).current();
    expect(here.filter((ip) => /^(127\.|::1$|fe80:|169\.254\.)/.test(ip))).toEqual([]);
  });
});
