/**
 * A way through an HTTP proxy.
 * @see RFC 9110, 9.3.6 (CONNECT)
 * @module
 */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { ServiceUrl } from "../../client/service-url.ts";
import { DiscoveryError } from "../../errors.ts";

/** How long a proxy may take to connect. */
const CONNECT_TIMEOUT_MS = 10_000;

/** More than any proxy needs to say why not. */
const MAX_REASON_CHARACTERS = 200;

export interface ProxyTunnelOptions {
  /** PEM certificates that an `https` proxy may be signed with. @default the runtime's */
  readonly ca?: readonly string[] | undefined;
  /** Gives up while the tunnel is not open yet. */
  readonly signal: AbortSignal;
}

/**
 * Asks a proxy for a connection.
 *
 * @param proxy - `http` or `https`, perhaps with user and password.
 * @param service - Where to.
 * @returns A socket on which the service is spoken to.
 * @throws {DiscoveryError} `ERR_SERVICE_UNAVAILABLE`, naming the proxy, the target and the proxy's
 *   answer.
 */
export function openProxyTunnel(
  proxy: URL,
  service: ServiceUrl,
  { ca, signal }: ProxyTunnelOptions,
): Promise<Socket> {
  const target = `${service.host}:${service.port}`;
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) => reject(tunnelError(proxy, target, why, cause));
    const request = (proxy.protocol === "https:" ? httpsRequest : httpRequest)({
      host: proxy.hostname.replace(/^\[|\]$/g, ""),
      port: proxy.port === "" ? undefined : Number(proxy.port),
      method: "CONNECT",
      path: target,
      headers: { Host: target, ...authorization(proxy) },
      agent: false,
      timeout: CONNECT_TIMEOUT_MS,
      signal,
      ...(ca === undefined ? {} : { ca: [...ca] }),
    });
    request.once("connect", (response: IncomingMessage, socket: Socket, head: Buffer) => {
      if (response.statusCode !== 200) {
        // What comes after the answer, also a reset, is nobody's business any more.
        socket.on("error", () => {});
        socket.destroy();
        const { statusCode, statusMessage = "" } = response;
        fail(`answered ${statusCode} ${statusMessage}`.trim(), { statusCode });
        return;
      }
      socket.setTimeout(0);
      socket.setNoDelay(true);
      // The service's first bytes may come in one packet with the proxy's answer.
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once("timeout", () => {
      fail("did not answer in 10 s");
      request.destroy();
    });
    request.on("error", (error) => fail(error.message, error));
    request.end();
  });
}

/**
 * The HTTP status with which a proxy refused, where `error` is of {@link openProxyTunnel} and says
 * so.
 */
export function proxyStatus(error: unknown): number | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return (cause as { readonly statusCode?: number } | undefined)?.statusCode;
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "Proxy-Authorization": `Basic ${Buffer.from(user).toString("base64")}` };
}

/** Names the proxy without its user and password. */
function tunnelError(proxy: URL, target: string, why: string, cause?: unknown): DiscoveryError {
  // What a proxy says, or its certificate has, may be long.
  const shown =
    why.length > MAX_REASON_CHARACTERS ? `${why.slice(0, MAX_REASON_CHARACTERS)}…` : why;
  const message = `proxy ${proxy.protocol}//${proxy.host} on the way to ${target}: ${shown}`;
  return new DiscoveryError("ERR_SERVICE_UNAVAILABLE", message, { cause });
}
