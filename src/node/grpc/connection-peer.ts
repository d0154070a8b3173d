/**
 * Who is at the other end of a connection, for calls on streams.
 * @module
 */
import type { IncomingHttpHeaders, ServerHttp2Session } from "node:http2";
import { clientAddress, networkKey } from "../../server/limits/client-address.ts";
import type { ResolvedServiceOptions } from "../../server/service-options.ts";
import { type Connection, connectionOf } from "../http/connections.ts";
import { closeFloodedSession } from "../http/flooded-session.ts";
import { sessionWindowBytes } from "../http/initial-window.ts";

/** The other end of a connection, and for whom it speaks. */
export class ConnectionPeer {
  /** Absent where connections are not followed. */
  readonly connection: Connection | undefined;
  readonly #session: ServerHttp2Session;
  readonly #address: string | undefined;
  readonly #options: ResolvedServiceOptions;
  /**
   * Nodes repeat themselves, and so do their proxies: the address is worked out when the headers
   * change.
   */
  #isKnown = false;
  #realIp: string | string[] | undefined;
  #forwardedFor: string | string[] | undefined;
  #clientIp: Uint8Array | undefined;
  /** Network key of `#keyIp`, which was the address when it was asked for last. */
  #key: string | undefined;
  #keyIp: Uint8Array | undefined;
  #isClosing = false;

  constructor(session: ServerHttp2Session, options: ResolvedServiceOptions) {
    const { socket } = session;
    this.connection = connectionOf(socket);
    this.#session = session;
    this.#address = socket.remoteAddress;
    this.#options = options;
  }

  /** What the peer takes of a stream at once in any case. */
  get initialWindowBytes(): number {
    return sessionWindowBytes(this.#session);
  }

  /** Whether {@link closeForFlood} was called. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /**
   * Closes the connection once what is written has gone out, because of what its client sends.
   *
   * @returns Whether it does so: not a second time, and not to a proxy, whose other clients would
   *   lose their calls.
   */
  closeForFlood(): boolean {
    if (this.#isClosing || this.connection?.client === undefined) return false;
    this.#isClosing = true;
    this.connection.flooded();
    closeFloodedSession(this.#session);
    return true;
  }

  clientIp(headers: IncomingHttpHeaders): Uint8Array | undefined {
    const realIp = headers["x-real-ip"];
    const forwardedFor = headers["x-forwarded-for"];
    const isSame =
      this.#options.trustedProxies.length === 0 ||
      (realIp === this.#realIp && forwardedFor === this.#forwardedFor);
    if (this.#isKnown && isSame) return this.#clientIp;
    const get = (name: string) => {
      const value = headers[name];
      return typeof value === "string" ? value : null;
    };
    const { trustedProxies } = this.#options;
    this.#clientIp = clientAddress({ get }, this.#address, trustedProxies, this.#options);
    this.#isKnown = true;
    this.#realIp = realIp;
    this.#forwardedFor = forwardedFor;
    return this.#clientIp;
  }
  /** The client that {@link clientIp} belongs to. */
  clientKey(headers: IncomingHttpHeaders): string | undefined {
    const ip = this.clientIp(headers);
    if (ip !== this.#keyIp) {
      this.#keyIp = ip;
      this.#key = ip && networkKey(ip);
    }
    return this.#key;
  }
}
