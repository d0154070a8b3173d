/**
 * Raw calls in every protocol of our service, as bytes in and bytes out: what a client library would
 * add is left out.
 * @module
 */
import { once } from "node:events";
import { Agent, request as http1Request, type IncomingMessage } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { buffer } from "node:stream/consumers";
import { RawWatch } from "./raw-watch.ts";
import {
  type Protocol,
  type RawRequest,
  streamRequest,
  unaryAnswer,
  unaryRequest,
} from "./wire-protocols.ts";

/** Calls to one server. */
export interface UnaryClient extends Disposable {
  /**
   * @param message - Without an envelope.
   * @returns The answer's message, without its envelope.
   * @throws {Error} If the call fails.
   */
  unary(protocol: Protocol, method: string, message: Uint8Array): Promise<Uint8Array>;
}

/** A client for calls in `protocol`, which uses so many connections. */
export async function openClient(
  { httpVersion }: Protocol,
  endpoint: string,
  connections: number,
): Promise<UnaryClient> {
  if (httpVersion === "1.1") return new RawHttp1Client(endpoint, connections);
  return await RawClient.open(endpoint, connections);
}

/** Over HTTP/2: some connections to one server, used in turn. */
export class RawClient implements UnaryClient {
  readonly #sessions: readonly ClientHttp2Session[];
  #requests = 0;

  private constructor(sessions: readonly ClientHttp2Session[]) {
    this.#sessions = sessions;
  }

  static async open(endpoint: string, connections: number): Promise<RawClient> {
    const sessions = Array.from({ length: connections }, () => connect(`http://${endpoint}`));
    await Promise.all(sessions.map((session) => once(session, "connect")));
    return new RawClient(sessions);
  }

  async unary(protocol: Protocol, method: string, message: Uint8Array): Promise<Uint8Array> {
    const stream = this.#request(unaryRequest(protocol, method, message));
    const chunks: Uint8Array[] = [];
    let failure = "";
    const check = (headers: Record<string, unknown>) => {
      const { ":status": status = 200, "grpc-status": code = "0" } = headers;
      if (status !== 200 || code !== "0") failure = JSON.stringify(headers);
    };
    stream.on("response", check);
    stream.on("trailers", check);
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    await once(stream, "close");
    if (failure !== "") throw new Error(`${protocol.name}: ${method}: ${failure}`);
    return unaryAnswer(protocol, Buffer.concat(chunks));
  }

  /** Begins a watch of a cluster. The last message is kept until the next one is whole. */
  watch(protocol: Protocol, message: Uint8Array): RawWatch {
    const stream = this.#request(streamRequest(protocol, "Watch", message));
    const watch = new RawWatch(() => stream.close(constants.NGHTTP2_CANCEL));
    stream.on("data", (chunk: Buffer) => watch.receive(chunk));
    stream.on("error", () => {});
    return watch;
  }

  #request({ path, headers, body }: RawRequest): ClientHttp2Stream {
    const session = this.#sessions[this.#requests++ % this.#sessions.length] as ClientHttp2Session;
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      te: "trailers",
      ...headers,
    });
    stream.end(body);
    return stream;
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions) session.destroy();
  }
}

/** Over HTTP/1.1: a call at a time on each connection. */
class RawHttp1Client implements UnaryClient {
  readonly #endpoint: string;
  readonly #agent: Agent;

  constructor(endpoint: string, connections: number) {
    this.#endpoint = endpoint;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  async unary(protocol: Protocol, method: string, message: Uint8Array): Promise<Uint8Array> {
    const { path, headers, body } = unaryRequest(protocol, method, message);
    const request = http1Request(`http://${this.#endpoint}${path}`, {
      method: "POST",
      agent: this.#agent,
      headers,
    });
    request.end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const bytes = await buffer(response);
    if (response.statusCode !== 200) {
      throw new Error(`${protocol.name}: ${method}: ${response.statusCode} ${bytes}`);
    }
    return unaryAnswer(protocol, bytes);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
