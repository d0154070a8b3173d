/**
 * The gate of HTTP/2 streams: those that are refused are answered before Node makes a request of
 * them, and a connection that goes on all the same is closed.
 * @module
 */
import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { formatAddress } from "../../net/address.ts";
import type { Refusal } from "../../server/limits/admission.ts";
import { clientAddress } from "../../server/limits/client-address.ts";
import type { ResolvedServiceOptions } from "../../server/service-options.ts";
import { ignore } from "../ignore.ts";
import { type Connection, connectionOf } from "./connections.ts";
import type { RequestGate } from "./request-gate.ts";

/** Options of {@link createStreamGate}. */
export type StreamGateOptions = Pick<
  ResolvedServiceOptions,
  "trustedProxies" | "trustXRealIp" | "trustFirstXForwardedFor" | "hooks"
>;

/** Takes a stream in, or answers it and returns false. */
export type StreamGate = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;

/** Refusals of one connection within the time below, after which it is closed. */
const MAX_REFUSALS = 100;
const REFUSALS_MS = 10_000;

const NO_REFUSALS = { count: 0, since: 0 };

/** Makes the gate. Streams that are taken in need not be judged again as requests. */
export function createStreamGate(gate: RequestGate, options: StreamGateOptions): StreamGate {
  const { trustedProxies, hooks } = options;
  const refusals = new WeakMap<Connection, { readonly count: number; readonly since: number }>();

  /** Counts a refusal. @returns Whether there were too many. */
  function isFlood(connection: Connection | undefined): boolean {
    // A trusted proxy speaks for many.
    if (connection?.client === undefined) return false;
    const now = performance.now();
    const known = refusals.get(connection) ?? NO_REFUSALS;
    const isNew = now - known.since > REFUSALS_MS;
    refusals.set(
      connection,
      isNew ? { count: 1, since: now } : { ...known, count: known.count + 1 },
    );
    return !isNew && known.count >= MAX_REFUSALS;
  }

  return (stream, headers) => {
    const session = stream.session as ServerHttp2Session | undefined;
    const socket = session?.socket;
    const connection = socket && connectionOf(socket);
    const get = (name: string) => {
      const value = headers[name];
      return typeof value === "string" ? value : null;
    };
    const clientIp = clientAddress({ get }, socket?.remoteAddress, trustedProxies, options);
    const method = headers[":method"];
    const target = headers[":path"] ?? "";
    const contentType = headers["content-type"] ?? "";
    const head = { method, target, contentType, connection, clientIp, isRare: true };
    const entered = gate.enter(head);
    if (typeof entered === "function") {
      stream.once("close", entered);
      return true;
    }
    hooks.onRefused?.(entered.reason, { clientAddress: clientIp && formatAddress(clientIp) });
    stream.on("error", ignore);
    const isOver = isFlood(connection) || (entered.isFlood && connection?.client !== undefined);
    if (isOver) {
      session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      connection?.flooded();
      connection?.destroy();
    } else {
      answer(stream, entered);
    }
    return false;
  };
}

function answer(stream: ServerHttp2Stream, { page }: Refusal): void {
  const headers = { ":status": page.status, ...page.headers };
  stream.respond(headers, { endStream: page.text === "" });
  if (page.text !== "") stream.end(page.text);
  // A stream with something left to read would stay; its request is not waited for.
  stream.resume();
  setImmediate(() => stream.close());
}
