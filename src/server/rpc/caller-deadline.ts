/**
 * How long a caller says it will wait.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Timeout"
 * @see https://connectrpc.com/docs/protocol, "Timeout"
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { MAX_DELAY_MS } from "../../async/timers.ts";

const UNIT_MS: Readonly<Record<string, number>> = /* @__PURE__ */ Object.freeze({
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
});

/** "TimeoutValue": at most 8 digits; "TimeoutUnit". */
const GRPC_TIMEOUT = /^(\d{1,8})([HMSmun])$/;

/** At most 10 digits, in ms. */
const CONNECT_TIMEOUT = /^\d{1,10}$/;

/**
 * Reads `grpc-timeout`.
 *
 * @returns In ms; `undefined` for one that is further away than timers go, some 24 days: it is
 *   none.
 * @throws {ConnectError} `InvalidArgument`, in Connect's words.
 */
export function parseGrpcTimeout(text: string): number | undefined {
  const timeoutMs = grpcTimeoutMs(text);
  if (timeoutMs === undefined) {
    const message = `protocol error: invalid grpc timeout value: ${text}`;
    throw new ConnectError(message, Code.InvalidArgument);
  }
  return isFar(timeoutMs) ? undefined : timeoutMs;
}

/**
 * Reads `connect-timeout-ms`.
 *
 * @returns As {@link parseGrpcTimeout}.
 * @throws {ConnectError} `InvalidArgument`, in Connect's words.
 */
export function parseConnectTimeout(text: string): number | undefined {
  const timeoutMs = connectTimeoutMs(text);
  if (timeoutMs === undefined) {
    const message = `protocol error: invalid connect timeout value: ${text}`;
    throw new ConnectError(message, Code.InvalidArgument);
  }
  return isFar(timeoutMs) ? undefined : timeoutMs;
}

/**
 * The headers of a call, without a deadline that is none for {@link parseGrpcTimeout}: Connect
 * would take it for one that is over. What does not parse is left for Connect to refuse.
 */
export function withoutFarDeadline(header: Headers): Headers {
  const far = Object.entries(TIMEOUTS).filter(([name, parse]) => {
    const text = header.get(name);
    return text !== null && isFar(parse(text));
  });
  if (far.length === 0) return header;
  const near = new Headers(header);
  for (const [name] of far) near.delete(name);
  return near;
}

const TIMEOUTS: Readonly<Record<string, (text: string) => number | undefined>> =
  /* @__PURE__ */ Object.freeze({
    "grpc-timeout": grpcTimeoutMs,
    "connect-timeout-ms": connectTimeoutMs,
  });

/** @returns `undefined` where it does not parse. */
function grpcTimeoutMs(text: string): number | undefined {
  const [, digits, unit = ""] = GRPC_TIMEOUT.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  return digits === undefined || unitMs === undefined ? undefined : Number(digits) * unitMs;
}

/** @returns `undefined` where it does not parse. */
function connectTimeoutMs(text: string): number | undefined {
  return CONNECT_TIMEOUT.test(text) ? Number(text) : undefined;
}

function isFar(timeoutMs: number | undefined): boolean {
  return timeoutMs !== undefined && timeoutMs > MAX_DELAY_MS;
}
