/**
 * The addresses of a service's name, and why there are none.
 * @module
 */
import { lookup, Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { unlessAborted } from "../../async/waits.ts";
import type { ServiceUrl } from "../../client/service-url.ts";
import { readInputBytes } from "../../node/files/input-bytes.ts";
import { outsideText, shortList } from "../text.ts";
import type { Finding, NameResolution, Outcome } from "./check.ts";
import { bareHost } from "./configuration-check.ts";
import { errorCode } from "./failures.ts";

/** Shown in the line; all are in the details. */
const MAX_SHOWN_ADDRESSES = 4;

/** How long each DNS server may take, and how often it is asked. */
const QUERY_TIMEOUT_MS = 1500;
const QUERY_TRIES = 2;

const HOSTS_PATH = "/etc/hosts";

/** Looks up the host. */
export async function checkDns(
  service: ServiceUrl,
  names: NameResolution,
  signal: AbortSignal,
): Promise<Outcome<readonly string[]>> {
  const host = bareHost(service);
  if (isIP(host) !== 0) {
    const details = { addresses: [host], source: "address" };
    return {
      finding: { status: "ok", summary: "an address, nothing to look up", details },
      value: [host],
    };
  }
  try {
    const addresses = await unlessAborted(names.lookup(host), signal);
    const isPinned = await isInHosts(host, names);
    const families = [...new Set(addresses.map((address) => `IPv${isIP(address)}`))];
    const shown = shortList(addresses, MAX_SHOWN_ADDRESSES);
    const source = isPinned ? "hosts" : "dns";
    return {
      finding: {
        status: "ok",
        summary: `${shown}${isPinned ? ", from /etc/hosts" : ""}`,
        details: { addresses, families, source },
      },
      value: addresses,
    };
  } catch (error) {
    return { finding: await explain(host, error, names, signal) };
  }
}

/**
 * Names as this machine resolves them.
 *
 * @param servers - DNS servers, `IP:port`. @default those of the system
 */
export function systemNames(servers?: readonly string[]): NameResolution {
  return {
    lookup: async (host) =>
      (await lookup(host, { all: true, order: "verbatim" })).map(({ address }) => address),
    async query(host) {
      const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
      if (servers !== undefined) resolver.setServers(servers);
      const [four, six] = await Promise.allSettled([
        resolver.resolve4(host),
        resolver.resolve6(host),
      ]);
      const found = [four, six].flatMap((answer) =>
        answer.status === "fulfilled" ? answer.value : [],
      );
      if (found.length === 0 && four.status === "rejected") throw four.reason;
      return found;
    },
    readHosts: async () => (await readInputBytes(HOSTS_PATH, { onlyFiles: true })).toString("utf8"),
  };
}

/** The addresses that a hosts file has for a name. */
export function addressesInHosts(text: string, host: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/);
    return names.includes(host.toLowerCase()) ? [address] : [];
  });
}

async function isInHosts(host: string, names: NameResolution): Promise<boolean> {
  try {
    return addressesInHosts(await names.readHosts(), host).length > 0;
  } catch {
    return false;
  }
}

/**
 * The system's answer alone does not tell a name that is not there from a server that is not there.
 */
async function explain(
  host: string,
  error: unknown,
  names: NameResolution,
  signal: AbortSignal,
): Promise<Finding> {
  const name = outsideText(host);
  const queried = await unlessAborted(
    names.query(host).then(
      (addresses) => ({ addresses, code: undefined }),
      (reason: unknown) => ({ addresses: [], code: errorCode(reason) }),
    ),
    signal,
  ).catch(() => ({ addresses: [], code: "ETIMEOUT" }));
  const failed = (answer: string, summary: string, hint: string): Finding => ({
    status: "failed",
    summary,
    hint,
    details: { addresses: [], error: answer },
  });
  if (queried.addresses.length > 0) {
    return failed(
      "SYSTEM",
      `${name}: DNS has ${queried.addresses.join(", ")}, but this system does not resolve it (${errorCode(error)})`,
      "Look at /etc/nsswitch.conf, /etc/resolv.conf and the local resolver (systemd-resolved, nscd).",
    );
  }
  switch (queried.code) {
    case "ENOTFOUND":
      return failed(
        "NXDOMAIN",
        `${name}: no such name (NXDOMAIN)`,
        "Correct the name in the service's URL, or make the record. Nodes may ask other DNS servers: .machine.network.nameservers.",
      );
    case "ENODATA":
      return failed(
        "NODATA",
        `${name}: the name exists, without an address (no A or AAAA record)`,
        "Add an A or AAAA record for the service.",
      );
    case "ESERVFAIL":
      return failed(
        "SERVFAIL",
        `${name}: the DNS server failed (SERVFAIL)`,
        "The name's own DNS servers do not answer, or DNSSEC does not validate: try another resolver.",
      );
    case "EREFUSED":
      return failed(
        "REFUSED",
        `${name}: the DNS server refuses to answer (REFUSED)`,
        "Use a DNS server that serves this network: /etc/resolv.conf.",
      );
    case "ETIMEOUT":
    case "ECONNREFUSED":
    case "ENETUNREACH":
    case "EHOSTUNREACH":
      return failed(
        "TIMEOUT",
        `${name}: no DNS server answers (${queried.code})`,
        "Are the servers in /etc/resolv.conf right, and is UDP port 53 open to them?",
      );
    default:
      return failed(
        queried.code ?? errorCode(error) ?? "UNKNOWN",
        `${name}: does not resolve (${queried.code ?? errorCode(error)})`,
        "Look at /etc/resolv.conf and at the name in the service's URL.",
      );
  }
}
