/**
 * A TCP connection that sends raw bytes, and reads only when it is asked to.
 * @module
 */
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Target } from "../../harness/net/attack.ts";
import { ATTACKER } from "./loopback-address.ts";
import {
  connectEvent,
  resetSocket,
  serviceSocket,
  type TlsClientOptions,
} from "./service-socket.ts";

/** How long a wait for the service may take. */
export const WAIT_LIMIT_MS = 15_000;
const LOOK_INTERVAL_MS = 20;

export interface RawPeerOptions extends Target, TlsClientOptions {
  /** @default ATTACKER */
  readonly localAddress?: string;
  /** Whether it reads its socket from the start. @default true */
  readonly reads?: boolean;
}

export class RawPeer {
  readonly #socket: Socket;
  #receivedBytes = 0;
  #isClosed = false;
  #pauseAt = Infinity;

  protected constructor(socket: Socket, reads: boolean) {
    this.#socket = socket;
    socket.setNoDelay(true);
    const onEnd = () => {
      this.#isClosed = true;
    };
    for (const event of ["end", "close", "error"]) socket.on(event, onEnd);
    if (reads) this.startReading();
    else socket.pause();
  }

  /** Whether it has seen that the service closed it; it must read to see that. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Starts to read, if it did not. */
  startReading(): void {
    this.#socket.on("data", (chunk: Buffer) => {
      this.#receivedBytes += chunk.length;
      if (this.#receivedBytes >= this.#pauseAt) this.#socket.pause();
      this.take(chunk);
    });
    this.#socket.resume();
  }

  /** @returns Whether the socket's buffer has room for more. */
  send(bytes: Uint8Array | string): boolean {
    if (this.#isClosed || this.#socket.destroyed) return false;
    return this.#socket.write(bytes);
  }

  /** Waits until the buffer is empty, or the connection ends. */
  async drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.#isClosed) return;
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(), WAIT_LIMIT_MS);
    const { signal } = end;
    await Promise.race([
      once(this.#socket, "drain", { signal }),
      once(this.#socket, "close", { signal }),
    ]).catch(() => {});
    clearTimeout(timer);
    end.abort();
  }

  /** Reads about `bytes` more as they arrive, then pauses. */
  takeSome(bytes: number): void {
    this.#pauseAt = this.#receivedBytes + bytes;
    if (this.#socket.listenerCount("data") === 0) this.startReading();
    else this.#socket.resume();
  }

  /** @throws {Error} If `look` stays false for `limitMs`. */
  async until(what: string, look: () => boolean, limitMs: number = WAIT_LIMIT_MS): Promise<void> {
    await waitUntil(what, look, limitMs);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Closes its half, and goes on to read. */
  end(): void {
    this.#socket.end();
  }

  /** Ends it with a TCP reset. */
  reset(): void {
    resetSocket(this.#socket);
  }

  /** Called for each chunk that is read. */
  protected take(_chunk: Buffer): void {}
}

/** Connects. If the service refuses, {@link RawPeer.isClosed} is true. */
export async function connectedSocket(options: RawPeerOptions): Promise<Socket> {
  const { port, tls = false, localAddress = ATTACKER, reads: _, ...tlsOptions } = options;
  const target = { port, tls };
  const socket = serviceSocket(target, localAddress, tlsOptions);
  await once(socket, connectEvent(target)).catch(() => {});
  return socket;
}

/** Polls. @throws {Error} If `look` stays false for `limitMs`. */
export async function waitUntil(
  what: string,
  look: () => boolean,
  limitMs: number = WAIT_LIMIT_MS,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!look()) {
    if (performance.now() > deadline) throw new Error(`${what}: not seen within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
}
