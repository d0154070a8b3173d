/**
 * Host names to addresses, in the two ways that tell apart what went wrong: the system's, which connections use, and
 * questions of our own to its DNS servers.
 * @module
 */
import { lookup, Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";

/** How long each DNS server may take, and how often it is asked. */
const QUERY_TIMEOUT_MS = 1500;
const QUERY_TRIES = 2;

const HOSTS_PATH = "/etc/hosts";

/** How names are looked up. All reject with the runtime's errors. */
export interface NameResolution {
  /** As connections do: `/etc/hosts`, then DNS, by the system's configuration. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  /** Asks the DNS servers themselves, for `A` and `AAAA`. */
  readonly query: (host: string) => Promise<readonly string[]>;
  /** The text of the hosts file. */
  readonly readHosts: () => Promise<string>;
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
    readHosts: () => readFile(HOSTS_PATH, "utf8"),
  };
}

/** The addresses that a hosts file has for a name. */
export function addressesInHosts(text: string, host: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/);
    return names.includes(host.toLowerCase()) ? [address] : [];
  });
}
