/**
 * Which HTTP proxy stands between, and whether it lets us through.
 * @module
 */
import type { ServiceUrl } from "../../client/service-url.ts";
import { trustedCertificates } from "../../node/transport/grpc-transport.ts";
import { proxyFromEnvironment } from "../../node/transport/proxy-environment.ts";
import { openProxyTunnel, proxyStatus } from "../../node/transport/proxy-tunnel.ts";
import { errorText } from "../text.ts";
import type { DiagnoseOptions, Outcome } from "./check.ts";
import { errorCode, failureText } from "./failures.ts";

/** The value of the check: where there is none, nodes and we connect ourselves. */
export interface ProxyChoice {
  readonly proxy: URL | undefined;
}

/** Finds the proxy by Go's rules, and has it connect. */
export async function checkProxy(
  service: ServiceUrl,
  { env, ca }: Pick<DiagnoseOptions, "env" | "ca">,
  signal: AbortSignal,
): Promise<Outcome<ProxyChoice>> {
  const name = service.tls ? "HTTPS_PROXY" : "HTTP_PROXY";
  const variable = !env[name] && env[name.toLowerCase()] ? name.toLowerCase() : name;
  let proxy: URL | undefined;
  try {
    proxy = proxyFromEnvironment(service, env);
  } catch (error) {
    const hint = `Correct the variable ${variable}, or unset it.`;
    return { finding: { status: "failed", summary: errorText(error), hint } };
  }
  if (proxy === undefined) {
    const summary = env[variable]
      ? `none: ${variable} does not count for this host (NO_PROXY, or loopback)`
      : `none: ${name} is not set`;
    return { finding: { status: "ok", summary, details: { proxy: null } }, value: { proxy } };
  }
  // Without its user and password.
  const place = `${proxy.protocol}//${proxy.host}`;
  const details = { proxy: place, variable };
  try {
    const tunnel = await openProxyTunnel(proxy, service, { ca: trustedCertificates(ca), signal });
    tunnel.on("error", () => {});
    tunnel.destroy();
  } catch (error) {
    const status = proxyStatus(error);
    return {
      finding: {
        status: "failed",
        summary: `${variable}: ${failureText(error, signal)}`,
        hint: hintFor(status, errorCode(error), place, service),
        details: { ...details, httpStatus: status ?? null },
      },
    };
  }
  const summary = `${place} (${variable}) connects to ${service.host}:${service.port}`;
  return {
    finding: { status: "ok", summary, details: { ...details, httpStatus: 200 } },
    value: { proxy },
  };
}

function hintFor(
  status: number | undefined,
  code: string | undefined,
  place: string,
  { host, port }: ServiceUrl,
): string {
  switch (status) {
    case 407:
      return "The proxy wants a user and password: http://USER:PASSWORD@HOST:PORT in the variable.";
    case 403:
    case 405:
      return `Have the proxy allow CONNECT to ${host}:${port}, or add ${host} to NO_PROXY.`;
    case 502:
    case 503:
    case 504:
      return `The proxy cannot reach ${host}:${port}: look into its log, its DNS and its firewall.`;
  }
  if (status !== undefined) {
    return `Is ${place} an HTTP proxy that knows CONNECT? Otherwise add ${host} to NO_PROXY.`;
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return `The proxy's own name does not resolve: correct the variable, or add ${host} to NO_PROXY.`;
  }
  return `Is the proxy running at ${place}? To do without it, add ${host} to NO_PROXY.`;
}
