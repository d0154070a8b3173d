import { expect, test } from "vitest";
import { ipv4Gateways, ipv6Gateways } from "../../../../src/cli/export/default-gateways.ts";

const IPV4 = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth1\t0000000A\t0900000A\t0003\t0\t0\t0\t000000FF\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
`;

const NONE = "0".repeat(32);
const GATEWAY = `fd${"0".repeat(29)}1`;
const IPV6 = `fd000000000000000000000000000000 40 ${NONE} 00 ${NONE} 00000100 00000001 00000000 00000001 eth0
${NONE} 00 ${NONE} 00 ${GATEWAY} 00000400 00000002 00000000 00000003 eth0
${NONE} 00 ${NONE} 00 ${NONE} ffffffff 00000001 00000000 00200200 lo
${NONE} 60 ${NONE} 00 ${GATEWAY} 00000400 00000002 00000000 00000003 eth0
`;

test("the gateway of a default route is read, and that of no other route", () => {
  expect(ipv4Gateways(IPV4, true)).toStrictEqual([Uint8Array.of(192, 168, 1, 1)]);
  expect(ipv6Gateways(IPV6)).toStrictEqual([Uint8Array.from([0xfd, ...Array(14).fill(0), 1])]);
});

test("the kernel of a big-endian machine writes the bytes in their order", () => {
  expect(ipv4Gateways(IPV4, false)).toStrictEqual([Uint8Array.of(1, 1, 168, 192)]);
});

test.for(["", "\n", "Iface", "eth0\t00000000\tzz\t", `${NONE} 00`])("%j has no gateway", (text) => {
  expect([...ipv4Gateways(text, true), ...ipv6Gateways(text)]).toStrictEqual([]);
});
