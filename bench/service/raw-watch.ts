/**
 * What a watch sends, message by message.
 * @module
 */
import { ENVELOPE_HEAD_BYTES, ENVELOPE_LENGTH_OFFSET } from "../../src/protocol/envelope.ts";
import { END_FLAGS } from "./wire-protocols.ts";

/** A guard against programs that hang; no figure depends on it. */
const DELIVERY_LIMIT_MS = 30_000;

/** Counts the messages of one watch, across the borders of its chunks. */
export class RawWatch {
  messages = 0;
  bytes = 0;
  hasEnded = false;
  /** The last message, whole. */
  last: Uint8Array = new Uint8Array(0);
  /** Called with each message, which is whole. */
  onMessage: ((message: Uint8Array) => void) | undefined;
  readonly #cancel: () => void;
  /** Of a message that is not whole yet. */
  #chunks: Buffer[] = [];
  #waitingBytes = 0;
  /** How many bytes must be there before looking again. */
  #neededBytes = ENVELOPE_HEAD_BYTES;

  constructor(cancel: () => void) {
    this.#cancel = cancel;
  }

  /** Ends it. */
  close(): void {
    this.#cancel();
  }

  receive(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#waitingBytes += chunk.length;
    this.#chunks.push(chunk);
    if (this.#waitingBytes < this.#neededBytes) return;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    let at = 0;
    this.#neededBytes = ENVELOPE_HEAD_BYTES;
    while (bytes.length - at >= ENVELOPE_HEAD_BYTES) {
      const length = bytes.readUInt32BE(at + ENVELOPE_LENGTH_OFFSET);
      const end = at + ENVELOPE_HEAD_BYTES + length;
      if (end > bytes.length) {
        this.#neededBytes = end - at;
        break;
      }
      this.#take(bytes[at] as number, bytes.subarray(at + ENVELOPE_HEAD_BYTES, end));
      at = end;
    }
    this.#waitingBytes = bytes.length - at;
    this.#chunks = this.#waitingBytes > 0 ? [bytes.subarray(at)] : [];
  }

  #take(flags: number, message: Uint8Array): void {
    this.last = message;
    if ((flags & END_FLAGS) !== 0) {
      this.hasEnded = true;
      return;
    }
    this.messages++;
    this.onMessage?.(message);
  }
}

/** Waits until each watch has had so many messages. */
export async function allHave(watches: readonly RawWatch[], messages: number): Promise<void> {
  const endsAt = performance.now() + DELIVERY_LIMIT_MS;
  while (watches.some((watch) => watch.messages < messages)) {
    if (watches.some((watch) => watch.hasEnded)) throw new Error("a watch has ended");
    if (performance.now() > endsAt) throw new Error("a message has not arrived");
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
