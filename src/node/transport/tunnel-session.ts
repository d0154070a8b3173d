/**
 * HTTP/2 over a connection that takes a while to make. `node:http2` wants its socket at once, so
 * the tunnel is opened before the session.
 * @module
 */
import type {
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
} from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Http2SessionManager } from "@connectrpc/connect-node";
import { DiscoveryError } from "../../errors.ts";
import { AbortableSessionManager } from "./session-manager.ts";

export interface TunnelSessionOptions {
  /** Opens the way to the service. */
  readonly open: (signal: AbortSignal) => Promise<Socket>;
  /** Puts TLS on it, where the service has it. */
  readonly secure: (socket: Socket) => Duplex;
  readonly pings: { readonly pingIntervalMs: number; readonly pingTimeoutMs?: number };
}

/** What Connect's transport needs of `Http2SessionManager`. */
export class TunnelSessionManager
  implements Pick<Http2SessionManager, "authority" | "request" | "notifyResponseByteRead">
{
  readonly authority: string;
  readonly #options: TunnelSessionOptions;
  readonly #abort: AbortController = new AbortController();
  #session: Promise<AbortableSessionManager> | undefined;
  #manager: AbortableSessionManager | undefined;

  constructor(baseUrl: string, options: TunnelSessionOptions) {
    this.authority = new URL(baseUrl).origin;
    this.#options = options;
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, "signal">,
  ): Promise<ClientHttp2Stream> {
    this.#session ??= this.#open();
    const manager = await this.#session;
    return manager.request(method, path, headers, options);
  }

  notifyResponseByteRead(stream: ClientHttp2Stream): void {
    this.#manager?.notifyResponseByteRead(stream);
  }

  /** Ends the connection, also one that is being made. */
  abort(): void {
    this.#abort.abort();
    this.#manager?.abort();
  }

  async #open(): Promise<AbortableSessionManager> {
    const { pings, secure } = this.#options;
    const socket = await this.#openSocket();
    let isUsed = false;
    const createConnection = () => {
      // A tunnel carries one connection; the next request opens another.
      if (isUsed) throw new DiscoveryError("ERR_SERVICE_UNAVAILABLE", "the proxy's tunnel ended");
      isUsed = true;
      return secure(socket);
    };
    const forget = () => {
      this.#session = undefined;
    };
    socket.once("close", forget);
    if (socket.destroyed) forget();
    const manager = new AbortableSessionManager(this.authority, pings, { createConnection });
    this.#manager = manager;
    return manager;
  }

  async #openSocket(): Promise<Socket> {
    const { signal } = this.#abort;
    try {
      const socket = await this.#options.open(signal);
      // The session tells of a broken connection; after its end there is nobody to tell.
      socket.on("error", () => {});
      if (signal.aborted) socket.destroy();
      signal.throwIfAborted();
      return socket;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }
}
