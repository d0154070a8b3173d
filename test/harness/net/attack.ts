/**
 * Connections that send what they please, for a bounded time.
 * @module
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** Where to. */
export interface Target {
  readonly port: number;
  /** Shakes hands before anything is sent. @default false */
  readonly tls?: boolean;
}

export interface AttackOptions {
  /** Ends then at the latest. @default 2000 */
  readonly limitMs?: number;
  /** Whether it reads what is answered. @default true */
  readonly reads?: boolean;
  /** Stays open, after all is sent, until the service closes or the time is over. @default false */
  readonly lingers?: boolean;
}

export interface AttackResult {
  readonly sentBytes: number;
  /** The service has ended the connection. */
  readonly wasClosed: boolean;
}

const DEFAULT_LIMIT_MS = 2000;

/**
 * Sends the chunks as fast as they are taken. Never rejects: that the service hangs up is an answer
 * like any other.
 */
export async function attack(
  target: Target,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { limitMs = DEFAULT_LIMIT_MS, reads = true, lingers = false }: AttackOptions = {},
): Promise<AttackResult> {
  const socket = open(target);
  let wasClosed = false;
  const closed = new Promise<void>((resolve) => {
    const onEnd = () => {
      wasClosed = true;
      resolve();
    };
    socket.on("error", onEnd);
    socket.on("end", onEnd);
    socket.on("close", onEnd);
  });
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      isOver = true;
      resolve();
    }, limitMs);
  });
  let sentBytes = 0;
  try {
    await Promise.race([
      once(socket, target.tls ? "secureConnect" : "connect").catch(() => {}),
      closed,
      over,
    ]);
    if (reads) socket.resume();
    socket.setNoDelay(true);
    for await (const chunk of chunks) {
      if (wasClosed || isOver) break;
      sentBytes += chunk.length;
      if (!socket.write(chunk)) {
        await Promise.race([once(socket, "drain").catch(() => {}), closed, over]);
      }
    }
    if (lingers) await Promise.race([closed, over]);
    // What is left in the kernel shall reach the service.
    else if (!wasClosed && !isOver) {
      socket.end();
      await Promise.race([closed, over]);
    }
    return { sentBytes, wasClosed };
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function open({ port, tls = false }: Target): Socket {
  const host = "127.0.0.1";
  if (!tls) return connect(port, host);
  return connectTls({ port, host, ALPNProtocols: ["h2"], rejectUnauthorized: false });
}

/** One after the other, some at a time. */
export async function attackers(
  count: number,
  atOnce: number,
  one: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** The same chunk, many times, in writes of a good size. */
export function* repeat(chunk: Uint8Array, times: number): Iterable<Uint8Array> {
  const perWrite = Math.max(1, Math.floor(65_536 / Math.max(1, chunk.length)));
  const full = Buffer.concat(Array.from({ length: Math.min(perWrite, times) }, () => chunk));
  let left = times;
  while (left >= perWrite) {
    yield full;
    left -= perWrite;
  }
  if (left > 0) yield full.subarray(0, left * chunk.length);
}
