/**
 * A way through an HTTP proxy, as a stream that may be written to before the proxy has answered: HTTP/2 and TLS want
 * their socket at once.
 * @see RFC 9110, 9.3.6 (CONNECT)
 * @module
 */
import { type ClientRequest, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { ServiceUrl } from "../client/service-url.ts";
import { DiscoveryError } from "../errors.ts";

/** How long a proxy may take to connect. */
const CONNECT_TIMEOUT_MS = 10_000;

export interface ProxyTunnelOptions {
  /** PEM certificates that an `https` proxy may be signed with. @default the runtime's */
  readonly ca?: readonly string[] | undefined;
}

export class ProxyTunnel extends Duplex {
  readonly #request: ClientRequest;
  #socket: Socket | undefined;
  /** The one write or end that waits for the proxy. */
  #whenConnected: ((socket: Socket) => void) | undefined;

  /**
   * @param proxy - `http` or `https`, perhaps with user and password.
   * @param service - Where to.
   */
  constructor(proxy: URL, service: ServiceUrl, { ca }: ProxyTunnelOptions = {}) {
    super();
    const target = `${service.host}:${service.port}`;
    const request = proxy.protocol === "https:" ? httpsRequest : httpRequest;
    this.#request = request({
      host: proxy.hostname.replace(/^\[|\]$/g, ""),
      port: proxy.port === "" ? undefined : Number(proxy.port),
      method: "CONNECT",
      path: target,
      headers: { Host: target, ...authorization(proxy) },
      agent: false,
      timeout: CONNECT_TIMEOUT_MS,
      ...(ca === undefined ? {} : { ca: [...ca] }),
    });
    this.#request.once("connect", (response, socket, head) => {
      if (response.statusCode === 200) this.#connected(socket, head);
      else {
        socket.destroy();
        const status = `${response.statusCode} ${response.statusMessage ?? ""}`.trim();
        this.destroy(tunnelError(proxy, target, `answered ${status}`));
      }
    });
    this.#request.once("timeout", () => {
      this.destroy(tunnelError(proxy, target, "did not answer in 10 s"));
    });
    this.#request.on("error", (error) => {
      this.destroy(tunnelError(proxy, target, error.message, error));
    });
    this.#request.end();
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _write(
    chunk: Uint8Array,
    _: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#onSocket((socket) => socket.write(chunk, done));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#onSocket((socket) => socket.end(done));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#request.destroy();
    this.#socket?.destroy();
    done(error);
  }

  #onSocket(use: (socket: Socket) => void): void {
    if (this.#socket === undefined) this.#whenConnected = use;
    else use(this.#socket);
  }

  #connected(socket: Socket, head: Buffer): void {
    this.#socket = socket;
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    socket.on("end", () => this.push(null));
    if (head.length > 0) this.push(head);
    socket.on("data", (chunk) => {
      if (!this.push(chunk)) socket.pause();
    });
    this.#whenConnected?.(socket);
    this.#whenConnected = undefined;
  }
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "Proxy-Authorization": `Basic ${Buffer.from(user).toString("base64")}` };
}

/** Names the proxy without its user and password. */
function tunnelError(proxy: URL, target: string, why: string, cause?: Error): DiscoveryError {
  const message = `proxy ${proxy.protocol}//${proxy.host} on the way to ${target}: ${why}`;
  return new DiscoveryError("ERR_SERVICE_UNAVAILABLE", message, { cause });
}
