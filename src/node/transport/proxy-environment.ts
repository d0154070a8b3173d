/**
 * Which proxy the environment asks for: the variables and the rules of Go programs, which nodes and
 * their tools follow.
 * @see https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
 * @module
 */
import { BlockList, isIP } from "node:net";
import type { ServiceUrl } from "../../client/service-url.ts";
import { DiscoveryError } from "../../errors.ts";

/** Variables by name, as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a service: `HTTPS_PROXY` for TLS, `HTTP_PROXY` for plaintext, unless `NO_PROXY`
 * names the host. Lower-case names count where the others are absent. `localhost` and loopback
 * addresses never use a proxy.
 *
 * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID` as {@link parseProxyUrl}.
 */
export function proxyFromEnvironment(service: ServiceUrl, env: Environment): URL | undefined {
  const name = service.tls ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = env[name] || env[name.toLowerCase()];
  if (!proxy || !usesProxy(service, env.NO_PROXY || env.no_proxy || "")) return undefined;
  return parseProxyUrl(proxy, name);
}

/**
 * Reads a proxy's URL: `http://[user:password@]host[:port]`, the same with `https`, or
 * `host[:port]` alone for `http`.
 *
 * @param source - Where the text comes from, for the error.
 * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID`: no URL, or another scheme. The text is not
 *   repeated: it may hold a password.
 */
export function parseProxyUrl(text: string, source: string): URL {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null || url.hostname === "" || !/^https?:$/.test(url.protocol)) {
    throw new DiscoveryError(
      "ERR_SERVICE_URL_INVALID",
      `${source}: expected http://host:port or https://host:port`,
    );
  }
  return url;
}

function usesProxy({ host, port }: ServiceUrl, noProxy: string): boolean {
  const address = host.replace(/^\[|\]$/g, "");
  const family = isIP(address);
  if (host === "localhost" || (family !== 0 && isLoopback(address, family))) return false;
  for (const entry of noProxy.toLowerCase().split(",")) {
    const rule = entry.trim();
    if (rule === "*") return false;
    if (rule !== "" && matchesRule(rule, address, family, port)) return false;
  }
  return true;
}

function isLoopback(address: string, family: number): boolean {
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8, "ipv4");
  loopback.addAddress("::1", "ipv6");
  return loopback.check(address, familyName(family));
}

/**
 * One entry of `NO_PROXY`: a prefix, an address or a domain, the latter two perhaps with a port.
 */
function matchesRule(rule: string, address: string, family: number, port: number): boolean {
  const [, base, bits] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(rule) ?? [];
  if (base !== undefined) return family !== 0 && isInPrefix(address, family, base, Number(bits));
  const [, bracketed, plain, rulePort] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(rule) ?? [];
  // An IPv6 address without brackets has more colons than a host and a port.
  const ruleHost = bracketed ?? plain ?? rule;
  if (rulePort !== undefined && Number(rulePort) !== port) return false;
  const ruleFamily = isIP(ruleHost);
  if (ruleFamily !== 0) {
    return family !== 0 && isInPrefix(address, family, ruleHost, ruleFamily === 4 ? 32 : 128);
  }
  if (family !== 0) return false;
  const domain = ruleHost.startsWith("*.") ? ruleHost.slice(1) : ruleHost;
  if (domain.startsWith(".")) return address.endsWith(domain);
  return domain !== "" && (address === domain || address.endsWith(`.${domain}`));
}

function isInPrefix(address: string, family: number, base: string, bits: number): boolean {
  const baseFamily = isIP(base);
  if (baseFamily === 0 || bits > (baseFamily === 4 ? 32 : 128)) return false;
  const prefix = new BlockList();
  prefix.addSubnet(base, bits, familyName(baseFamily));
  return prefix.check(address, familyName(family));
}

function familyName(family: number): "ipv4" | "ipv6" {
  return family === 4 ? "ipv4" : "ipv6";
}
