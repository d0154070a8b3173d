/**
 * Connect's manager of an HTTP/2 connection, made safe to abort at any time.
 * @module
 */
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
} from "node:http2";
import { Http2SessionManager } from "@connectrpc/connect-node";

/**
 * A connection that breaks first ends its streams with the error, and emits it itself some turns
 * later. An `abort` in between takes the manager's listener off (connect-node 2.2.0), and an
 * `error` event without a listener ends the process. The client does just that: it closes the
 * transport as soon as the watch has failed. So a listener stays.
 */
export class AbortableSessionManager extends Http2SessionManager {
  readonly #sessions: WeakSet<ClientHttp2Session> = new WeakSet();

  override async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, "signal">,
  ): Promise<ClientHttp2Stream> {
    const stream = await super.request(method, path, headers, options);
    const session = stream.session as ClientHttp2Session | undefined;
    if (session !== undefined && !this.#sessions.has(session)) {
      this.#sessions.add(session);
      session.on("error", () => {});
    }
    return stream;
  }
}
