/**
 * A connection that sends what it pleases, and reads when it pleases.
 * @module
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ATTACKER, SERVICE_HOST } from "./loopback-address.ts";

/** How long a wait for the service may take. */
export const WAIT_LIMIT_MS = 15_000;
const LOOK_INTERVAL_MS = 20;

export interface RawPeerOptions {
  readonly port: number;
  /** From where it calls. @default ATTACKER */
  readonly localAddress?: string;
  /** Whether it takes what is sent to it. @default true */
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

  /** The service ended it, as far as it reads. */
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

  /** @returns Whether the kernel takes more at once. */
  send(bytes: Uint8Array | string): boolean {
    if (this.#isClosed || this.#socket.destroyed) return false;
    return this.#socket.write(bytes);
  }

  /** Waits until the kernel takes more, or the connection ends. */
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

  /** Takes about so many bytes of a connection that is not read otherwise, as they come. */
  takeSome(bytes: number): void {
    this.#pauseAt = this.#receivedBytes + bytes;
    if (this.#socket.listenerCount("data") === 0) this.startReading();
    else this.#socket.resume();
  }

  /** @throws {Error} If `look` finds nothing in time. */
  async until(what: string, look: () => boolean, limitMs: number = WAIT_LIMIT_MS): Promise<void> {
    await waitUntil(what, look, limitMs);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Ends it with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** What it does with what it reads. */
  protected take(_chunk: Buffer): void {}
}

/** Connects. The service may refuse at once: that is seen by {@link RawPeer.isClosed}. */
export async function connectedSocket(options: RawPeerOptions): Promise<Socket> {
  const { port, localAddress = ATTACKER } = options;
  const socket = connect({ port, host: SERVICE_HOST, localAddress });
  await once(socket, "connect").catch(() => {});
  return socket;
}

/** Looks again and again. @throws {Error} If there is nothing to be seen in time. */
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
