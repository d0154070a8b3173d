import { describe, expect, test } from "vitest";
import { UsageError } from "../../../../src/cli/exit.ts";
import { PROMETHEUS } from "../../../../src/cli/export/prometheus.ts";
import type { AffiliateSource } from "../../../../src/resources/index.ts";
import { NODES, render } from "./rendering.ts";

/** Which address of which member, as `node=address`. */
async function chosen(argv: readonly string[], sources = NODES): Promise<string[]> {
  const { text } = await render(PROMETHEUS, sources, { argv });
  return JSON.parse(text).map(
    ({ labels }: { labels: Record<string, string> }) =>
      `${labels.__meta_talos_node_name}=${labels.__meta_talos_address}`,
  );
}

describe("the members of an export", () => {
  test("are sorted by name, each at the first of its addresses", async () => {
    expect(await chosen([])).toStrictEqual(["cp-1=10.0.0.1", "cp-2=fd00::2", "worker-1=10.0.0.3"]);
  });

  test("are of one type, where init is a control plane node", async () => {
    expect(await chosen(["--type", "controlplane"])).toStrictEqual([
      "cp-1=10.0.0.1",
      "cp-2=fd00::2",
    ]);
    expect(await chosen(["--type", "worker"])).toStrictEqual(["worker-1=10.0.0.3"]);
  });

  test("have the first address of one family", async () => {
    const names = ["cp-1", "cp-2", "worker-1"];
    expect(await chosen(["--family", "4"])).toStrictEqual(
      ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address, i) => `${names[i]}=${address}`),
    );
    expect(await chosen(["--family", "6"])).toStrictEqual(
      ["fd00::1", "fd00::2", "fd00::3"].map((address, i) => `${names[i]}=${address}`),
    );
  });

  test("have the first address in a network, and not in one with !, in whatever order", async () => {
    const addresses = ["cp-1=10.0.0.1", "cp-2=192.168.7.2", "worker-1=10.0.0.3"];
    const cidrs = ["--cidr", "0.0.0.0/0", "--cidr", "!10.0.0.2/32"];
    expect(await chosen(cidrs)).toStrictEqual(addresses);
    expect(await chosen(["--cidr", "!10.0.0.2/32,0.0.0.0/0"])).toStrictEqual(addresses);
    expect(await chosen(["--cidr", "!fd00::/8"])).toStrictEqual([
      "cp-1=10.0.0.1",
      "cp-2=10.0.0.2",
      "worker-1=10.0.0.3",
    ]);
  });

  test("without an address that passes are left out", async () => {
    expect(await chosen(["--cidr", "192.168.0.0/16"])).toStrictEqual(["cp-2=192.168.7.2"]);
  });

  test("are excluded by node name, host name, node ID, address or network", async () => {
    expect(await chosen(["--exclude", "cp-1", "--exclude", "worker-1.example.com"])).toStrictEqual([
      "cp-2=fd00::2",
    ]);
    expect(await chosen(["--exclude", "cp2,10.0.0.3"])).toStrictEqual(["cp-1=10.0.0.1"]);
    // The node is not meant, at whichever of its addresses.
    expect(await chosen(["--exclude", "192.168.0.0/16"])).toStrictEqual([
      "cp-1=10.0.0.1",
      "worker-1=10.0.0.3",
    ]);
  });

  test("have no address with a zone, and an IPv4-mapped one as IPv4", async () => {
    const nodes: AffiliateSource[] = [
      { nodeId: "a", nodename: "a", addresses: ["fe80::1%eth0", "::ffff:10.0.0.9", "nonsense"] },
      { nodeId: "b", nodename: "b", addresses: ["fe80::1%eth0"] },
    ];
    expect(await chosen([], nodes)).toStrictEqual(["a=10.0.0.9"]);
    expect(await chosen(["--family", "6"], nodes)).toStrictEqual([]);
  });

  test("have no address that cannot be another node's, unless a --cidr names it or its kind", async () => {
    const useless = ["127.0.0.1", "::1", "169.254.169.254", "fe80::1", "0.0.0.0", "::"];
    useless.push("224.0.0.1", "ff02::1", "255.255.255.255", "::ffff:127.0.0.1");
    const nodes: AffiliateSource[] = [
      { nodeId: "a", nodename: "a", addresses: [...useless, "10.0.0.1"] },
      ...useless.map((address, i) => ({
        nodeId: `b${i}`,
        nodename: `b${i}`,
        addresses: [address],
      })),
    ];
    expect(await chosen([], nodes)).toStrictEqual(["a=10.0.0.1"]);
    expect(await chosen(["--cidr", "0.0.0.0/0,::/0"], nodes)).toStrictEqual(["a=10.0.0.1"]);
    expect(await chosen(["--cidr", "127.0.0.0/8"], nodes)).toStrictEqual([
      "a=127.0.0.1",
      "b0=127.0.0.1",
      "b9=127.0.0.1",
    ]);
    expect(await chosen(["--cidr", "169.254.169.254/32"], nodes)).toStrictEqual([
      "a=169.254.169.254",
      "b2=169.254.169.254",
    ]);
  });

  test.for([
    [["--family", "5"], '--family: "5" is none of 4, 6'],
    [["--type", "init"], '--type: "init" is none of controlplane, worker'],
    [["--cidr", "10.0.0.1"], '--cidr: "10.0.0.1" is not a prefix like 10.0.0.0/8'],
    [["--cidr", "!x"], '--cidr: "x" is not a prefix like 10.0.0.0/8'],
    [["--exclude", "10.0.0.0/33"], '--exclude: "10.0.0.0/33" is not a prefix like 10.0.0.0/8'],
    [["--port", "0"], '--port: "0" is no port from 1 to 65535'],
  ] as const)("are refused for %o", async ([argv, message]) => {
    await expect(chosen(argv)).rejects.toThrow(new UsageError(message));
  });
});
