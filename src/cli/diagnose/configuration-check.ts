/**
 * Whether the service's URL says what people mean by it.
 * @module
 */
import { parseServiceUrl, type ServiceUrl } from "../../client/service-url.ts";
import { errorText, outsideText } from "../text.ts";
import type { Outcome } from "./check.ts";

/** Reads a service URL. */
export function checkConfiguration(url: string): Outcome<ServiceUrl> {
  let service: ServiceUrl;
  try {
    service = parseServiceUrl(url);
  } catch (error) {
    const hint = "Give a URL such as https://discovery.example/ (TLS) or http://10.0.0.1:3000.";
    return { finding: { status: "failed", summary: errorText(error), hint } };
  }
  const { host, port, tls } = service;
  const summary = `${host} port ${port}, ${tls ? "TLS" : "plaintext"}`;
  const details = { host: bareHost(service), port, tls };
  const oddity = oddityOf(url, service);
  return {
    finding:
      oddity === undefined
        ? { status: "ok", summary, details }
        : { status: "warning", summary: `${summary}; ${oddity.what}`, hint: oddity.hint, details },
    value: service,
  };
}

/** A host without the brackets of IPv6. */
export function bareHost({ host }: ServiceUrl): string {
  return host.replace(/^\[|\]$/g, "");
}

function oddityOf(
  url: string,
  { port, tls }: ServiceUrl,
): { what: string; hint: string } | undefined {
  const { pathname = "/", search = "" } =
    URL.parse(url.replace(/^[a-z]+:/i, tls ? "https:" : "http:")) ?? {};
  if (pathname !== "/" || search !== "") {
    const what = `${outsideText(pathname + search, 60)} is ignored`;
    return { what, hint: "Leave the path away: a service is a host and a port." };
  }
  if (!tls && port === 443) {
    return { what: "443 is usually TLS", hint: "Write https:// if the service speaks TLS there." };
  }
  if (tls && port === 80) {
    return { what: "80 is usually plaintext", hint: "Write http:// if there is no TLS there." };
  }
  return undefined;
}
