/** Names, by DNS servers of our own where the answer matters. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { NameResolution } from "../../../../src/cli/diagnose/check.ts";
import { addressesInHosts, checkDns, systemNames } from "../../../../src/cli/diagnose/dns-check.ts";
import { parseServiceUrl } from "../../../../src/client/service-url.ts";

const SERVICE = parseServiceUrl("https://discovery.example");

/** What DNS calls its answers: RFC 1035, 4.1.1. */
const RCODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

/** A DNS server that has one answer to everything. @returns `IP:port` */
async function startDnsServer(rcode: number): Promise<string> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    // The question comes back, with flags for "response, recursion available".
    const end = query.indexOf(0, 12) + 5;
    const answer = Buffer.from(query.subarray(0, end));
    answer.writeUInt16BE(0x8180 | rcode, 2);
    answer.writeUInt16BE(0, 10);
    socket.send(answer, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return `127.0.0.1:${(socket.address() as AddressInfo).port}`;
}

/** A system that does not resolve the name, whatever the reason. */
function unresolved(names: NameResolution, code = "ENOTFOUND"): NameResolution {
  return {
    ...names,
    lookup: async () => {
      throw Object.assign(new Error(`getaddrinfo ${code}`), { code });
    },
  };
}

function check(names: NameResolution, service = SERVICE, signal = AbortSignal.timeout(20_000)) {
  return checkDns(service, names, signal);
}

const NOBODY = unresolved({ ...systemNames(), query: () => Promise.reject(new Error("no")) });

describe("a name", () => {
  test("that is an address needs no looking up", async () => {
    const { finding, value } = await check(NOBODY, parseServiceUrl("https://[fd00::1]:8443"));
    expect(finding).toMatchObject({ status: "ok", details: { source: "address" } });
    expect(value).toEqual(["fd00::1"]);
  });

  test("that resolves is ok, with its addresses and families", async () => {
    const addresses = ["192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
    const { finding, value } = await check({
      ...NOBODY,
      lookup: async () => addresses,
      readHosts: async () => "",
    });
    expect(finding).toEqual({
      status: "ok",
      summary: "192.0.2.1, 2001:db8::1, 192.0.2.2, 192.0.2.3 and 1 more",
      details: { addresses, families: ["IPv4", "IPv6"], source: "dns" },
    });
    expect(value).toBe(addresses);
  });

  test("that is in the hosts file is told to be", async () => {
    const { finding } = await check({
      ...NOBODY,
      lookup: async () => ["10.0.0.1"],
      readHosts: async () => "127.0.0.1 localhost\n10.0.0.1\tother Discovery.Example # old\n",
    });
    expect(finding).toMatchObject({
      status: "ok",
      summary: "10.0.0.1, from /etc/hosts",
      details: { source: "hosts" },
    });
  });

  test("of this machine resolves with the system's own means", async () => {
    const { finding, value } = await check(systemNames(), parseServiceUrl("http://localhost:80"));
    expect(finding.status).toBe("ok");
    expect(value?.length).toBeGreaterThan(0);
  });

  test.each([
    ["NXDOMAIN", "no such name (NXDOMAIN)", "make the record"],
    ["SERVFAIL", "the DNS server failed (SERVFAIL)", "DNSSEC"],
    ["REFUSED", "the DNS server refuses to answer (REFUSED)", "/etc/resolv.conf"],
    ["NOERROR", "without an address", "Add an A or AAAA record"],
  ] as const)("for which DNS says %s has no address, and why", async (rcode, summary, hint) => {
    const server = await startDnsServer(RCODES[rcode]);
    const { finding, value } = await check(unresolved(systemNames([server])));
    expect(finding).toMatchObject({
      status: "failed",
      summary: expect.stringContaining(`discovery.example: `),
      hint: expect.stringContaining(hint),
      details: { error: rcode === "NOERROR" ? "NODATA" : rcode },
    });
    expect(finding.summary).toContain(summary);
    expect(value).toBeUndefined();
  });

  test("that no DNS server answers for has none, and says so when the time is up", async () => {
    const never = new Promise<never>(() => {});
    const { finding } = await check(
      { ...NOBODY, lookup: () => never, query: () => never },
      SERVICE,
      AbortSignal.timeout(20),
    );
    expect(finding).toMatchObject({
      status: "failed",
      summary: "discovery.example: no DNS server answers (ETIMEOUT)",
      hint: expect.stringContaining("port 53"),
      details: { error: "TIMEOUT" },
    });
  });

  test("that DNS has and the system does not is a fault of the system", async () => {
    const { finding } = await check(
      unresolved({ ...systemNames(), query: async () => ["192.0.2.7"] }, "EAI_AGAIN"),
    );
    expect(finding).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("DNS has 192.0.2.7"),
      hint: expect.stringContaining("nsswitch.conf"),
      details: { error: "SYSTEM" },
    });
  });

  test("under .invalid fails, whatever resolver this machine has", async () => {
    const { finding } = await check(systemNames(), parseServiceUrl("https://nobody.invalid"));
    expect(finding).toMatchObject({ status: "failed", hint: expect.any(String) });
    expect(finding.summary).toMatch(/^nobody\.invalid: /);
  });
});

test("a hosts file has names in any place of a line, comments, and capitals", () => {
  const text = "#10.0.0.9 a\n10.0.0.1 a b # c\n\n  fd00::1  B\n";
  expect(addressesInHosts(text, "A")).toEqual(["10.0.0.1"]);
  expect(addressesInHosts(text, "b")).toEqual(["10.0.0.1", "fd00::1"]);
  expect(addressesInHosts(text, "c")).toEqual([]);
});
