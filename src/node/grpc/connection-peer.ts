/**
 * Who is at the other end of a connection, for gRPC calls on streams.
 * @module
 */
import type { IncomingHttpHeaders } from "node:http2";
import { clientAddress } from "../../server/limits/client-address.ts";
import type { ResolvedServiceOptions } from "../../server/service-options.ts";

/** The other end of a connection, and for whom it speaks. */
export class ConnectionPeer {
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

  constructor(address: string | undefined, options: ResolvedServiceOptions) {
    this.#address = address;
    this.#options = options;
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
}
