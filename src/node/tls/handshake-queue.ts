/**
 * Limits how many TLS handshakes begin in one turn of the event loop. A handshake takes up to a
 * millisecond, and one client can send hundreds of recorded ClientHellos at once.
 * @module
 */
import type { Socket } from "node:net";

/**
 * Most handshakes of one client that are under way. A handshake may have a second step, which takes
 * as long as the first. The second steps of all may come in one turn of the event loop.
 */
const MAX_UNDER_WAY = 64;

/** How long handshakes may be begun in one turn of the event loop. */
const TURN_MS = 1;

interface ClientHandshakes {
  /** Network key; `undefined` for trusted proxies, which speak for many. */
  readonly client: string | undefined;
  /** Sockets, and how to begin. */
  readonly waiting: Map<Socket, () => void>;
  underWay: number;
}

/** Begins a few handshakes in each turn of the event loop, of one client after the other. */
export class HandshakeQueue {
  readonly #clients = new Map<string | undefined, ClientHandshakes>();
  /** Those that may begin one; whoever had a turn goes to the end. */
  readonly #ready = new Set<ClientHandshakes>();
  /** Whose handshake is under way, by the key of its socket. */
  readonly #underWay = new Map<string, ClientHandshakes>();
  #isScheduled = false;

  /**
   * Calls `begin` when it is the socket's turn, or never if it closes before.
   *
   * @param client - Network key; `undefined` for trusted proxies, which speak for many.
   */
  add(socket: Socket, client: string | undefined, begin: () => void): void {
    const handshakes = this.#of(client);
    const key = keyOf(socket);
    handshakes.waiting.set(socket, () => {
      this.#underWay.set(key, handshakes);
      handshakes.underWay++;
      begin();
    });
    socket.once("close", () => {
      if (handshakes.waiting.delete(socket)) this.#changed(handshakes);
      else this.#end(key);
    });
    this.#changed(handshakes);
  }

  /** A handshake has ended. @param socket - That of TLS. */
  ended(socket: Socket): void {
    this.#end(keyOf(socket));
  }

  #end(key: string): void {
    const handshakes = this.#underWay.get(key);
    if (handshakes === undefined) return;
    this.#underWay.delete(key);
    handshakes.underWay--;
    this.#changed(handshakes);
  }

  #of(client: string | undefined): ClientHandshakes {
    let handshakes = this.#clients.get(client);
    if (handshakes === undefined) {
      handshakes = { client, waiting: new Map(), underWay: 0 };
      this.#clients.set(client, handshakes);
    }
    return handshakes;
  }

  #changed(handshakes: ClientHandshakes): void {
    const { client, waiting, underWay } = handshakes;
    if (waiting.size === 0) {
      this.#ready.delete(handshakes);
      if (underWay === 0) this.#clients.delete(client);
    } else if (client === undefined || underWay < MAX_UNDER_WAY) {
      this.#ready.add(handshakes);
      this.#schedule();
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      const until = performance.now() + TURN_MS;
      while (this.#beginNext() && performance.now() < until);
      this.#isScheduled = false;
      if (this.#ready.size > 0) this.#schedule();
    });
  }

  /** @returns Whether there was one to begin. */
  #beginNext(): boolean {
    const [handshakes] = this.#ready;
    if (handshakes === undefined) return false;
    this.#ready.delete(handshakes);
    for (const [socket, begin] of handshakes.waiting) {
      handshakes.waiting.delete(socket);
      begin();
      break;
    }
    this.#changed(handshakes);
    return true;
  }
}

/** The same for a socket and for the TLS on it. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
