/**
 * Answers whose messages pass by Connect's handler.
 *
 * Connect reads the request, judges it, and writes errors and the end of the answer, in every
 * protocol. The messages in between are encoded already, and Connect would take them apart into
 * promises and copies of its own: 100 times the cost for a list as JSON. So the handler hands an
 * empty message to Connect, and what stands in its place goes to the caller.
 * @module
 */
import { type ContextKey, createContextKey } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { WatchMessage } from "../../registry/registry.ts";
import type { AnswerEncoder } from "./answer-encoder.ts";
import type { ByteSource } from "./byte-source.ts";
import { CALLER_LEFT } from "./rpc-status.ts";
import type { Codec } from "./wire-messages.ts";

/** Most bytes of one piece of an answer. */
export const MAX_PIECE_BYTES = 32_768;

/** What a handler has put aside for the caller. */
export type PreparedAnswer =
  | { readonly kind: "message"; readonly encode: (isEnveloped: boolean) => ByteSource }
  | { readonly kind: "watch"; readonly watch: PreparedWatch };

/** Where a handler puts its answer, if whoever called Connect takes it from there. */
export class AnswerSlot {
  readonly encoder: AnswerEncoder;
  /** Whether the request was read: a procedure has begun. */
  hasBegun = false;
  answer: PreparedAnswer | undefined;

  constructor(encoder: AnswerEncoder) {
    this.encoder = encoder;
  }
}

/** Set by whoever calls Connect and takes prepared answers. */
export const answerSlotKey: ContextKey<AnswerSlot | undefined> = /* @__PURE__ */ createContextKey<
  AnswerSlot | undefined
>(undefined, { description: "prepared answer" });

/** A body whose parts differ in how they are paced. */
export interface AnswerBody extends AsyncIterable<Uint8Array> {
  /** Whether what was taken last belongs to a list or a snapshot, not to a change. */
  readonly isBulk: boolean;
}

/** A watch that is read by whoever writes the answer. */
export class PreparedWatch {
  /** Settles when the watch has ended: then Connect writes the end of the answer. */
  readonly ended: Promise<void>;
  /** Whether the bytes that were taken last are of a snapshot. */
  isSnapshot = true;
  readonly #messages: AsyncIterator<WatchMessage>;
  readonly #encoder: AnswerEncoder;
  readonly #codec: Codec;
  readonly #onMessages: (messages: number) => void;
  #source: ByteSource;
  #end: (failure?: { readonly error: unknown }) => void = () => {};

  /** @param first - The snapshot, which has been taken from `messages`. */
  constructor(
    first: WatchMessage,
    messages: AsyncIterator<WatchMessage>,
    encoder: AnswerEncoder,
    codec: Codec,
    onMessages: (messages: number) => void,
  ) {
    this.#messages = messages;
    this.#encoder = encoder;
    this.#codec = codec;
    this.#onMessages = onMessages;
    this.#source = this.#encode(first);
    this.ended = new Promise((resolve, reject) => {
      this.#end = (failure) => (failure === undefined ? resolve() : reject(failure.error));
    });
    // Connect may have given up on the answer already.
    this.ended.catch(() => {});
  }

  /** @returns `undefined` at the end, however it came: `ended` has settled. */
  next(): Uint8Array | Promise<Uint8Array | undefined> {
    if (this.#source.remaining > 0) return this.#source.take(MAX_PIECE_BYTES);
    return this.#messages.next().then(this.#onStep, this.#onError);
  }

  /** Nobody reads any more. */
  close(): void {
    this.#messages.return?.().catch(() => {});
    this.#end();
  }

  readonly #onStep = (step: IteratorResult<WatchMessage>): Uint8Array | undefined => {
    if (step.done === true) {
      this.#end();
      return undefined;
    }
    this.#source = this.#encode(step.value);
    return this.#source.take(MAX_PIECE_BYTES);
  };

  readonly #onError = (error: unknown): undefined => {
    this.#end({ error });
    return undefined;
  };

  #encode(message: WatchMessage): ByteSource {
    const { messages, bytes } = this.#encoder.watch(message, this.#codec);
    this.isSnapshot = message.kind === "snapshot";
    this.#onMessages(messages);
    return bytes;
  }
}

/** Puts the prepared answer where the handler's empty message is. */
export function withPreparedAnswer(
  response: UniversalServerResponse,
  { answer }: AnswerSlot,
): UniversalServerResponse {
  const { header, body } = response;
  if (answer === undefined || body === undefined || response.status !== 200) return response;
  if (answer.kind === "watch") return { ...response, body: new WatchBody(answer.watch, body) };
  const contentType = header?.get("content-type") ?? "";
  const isUnary = /^application\/(proto|json)/.test(contentType);
  const bytes = answer.encode(!isUnary);
  if (!isUnary) return { ...response, body: new MessageBody(bytes, body) };
  header?.set("content-length", String(bytes.remaining));
  return { ...response, body: new MessageBody(bytes, undefined) };
}

/** One message, then what Connect has behind its own. */
class MessageBody implements AnswerBody {
  readonly isBulk = true;
  readonly #bytes: ByteSource;
  readonly #connect: AsyncIterable<Uint8Array> | undefined;

  constructor(bytes: ByteSource, connect: AsyncIterable<Uint8Array> | undefined) {
    this.#bytes = bytes;
    this.#connect = connect;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const bytes = this.#bytes;
    const rest = new RestOfAnswer(this.#connect);
    return abandonable(
      () => {
        if (bytes.remaining === 0) return rest.next();
        return Promise.resolve({ done: false, value: bytes.take(MAX_PIECE_BYTES) });
      },
      () => rest.abandon(),
    );
  }
}

/** The messages of a watch, then what Connect has behind its own. */
class WatchBody implements AnswerBody {
  readonly #watch: PreparedWatch;
  readonly #connect: AsyncIterable<Uint8Array>;

  constructor(watch: PreparedWatch, connect: AsyncIterable<Uint8Array>) {
    this.#watch = watch;
    this.#connect = connect;
  }

  get isBulk(): boolean {
    return this.#watch.isSnapshot;
  }

  /** By hand: a generator makes half a dozen promises of each message. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const watch = this.#watch;
    const rest = new RestOfAnswer(this.#connect);
    return abandonable(
      () => {
        if (rest.hasBegun) return rest.next();
        const bytes = watch.next();
        if (bytes instanceof Uint8Array) return Promise.resolve({ done: false, value: bytes });
        return bytes.then((piece) =>
          piece === undefined ? rest.next() : { done: false, value: piece },
        );
      },
      () => {
        watch.close();
        return rest.abandon();
      },
    );
  }
}

/** What Connect writes, without the message in whose place another one went. */
class RestOfAnswer {
  hasBegun = false;
  /** Absent once it has come to its end. */
  #connect: AsyncIterator<Uint8Array> | undefined;

  constructor(connect: AsyncIterable<Uint8Array> | undefined) {
    this.#connect = connect?.[Symbol.asyncIterator]();
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.hasBegun) {
      this.hasBegun = true;
      await this.#connect?.next();
    }
    const step = await this.#connect?.next();
    if (step !== undefined && step.done !== true) return step;
    this.#connect = undefined;
    return { done: true, value: undefined };
  }

  /** Ends the call, and with it the timer of its deadline. */
  async abandon(): Promise<void> {
    if (this.#connect === undefined) return;
    // By `throw`, of which Connect hears, unlike of `return`. It throws the same again.
    await this.#connect.throw?.(CALLER_LEFT).catch(() => {});
  }
}

/** An iterator whose reader leaves by `return` or, as Connect's adapters do, by `throw`. */
function abandonable(
  next: () => Promise<IteratorResult<Uint8Array, undefined>>,
  abandon: () => Promise<void>,
): AsyncIterator<Uint8Array, undefined> {
  let isAbandoned = false;
  async function leave(): Promise<IteratorResult<Uint8Array, undefined>> {
    isAbandoned = true;
    await abandon();
    return { done: true, value: undefined };
  }
  return {
    next: () => (isAbandoned ? Promise.resolve({ done: true, value: undefined }) : next()),
    return: leave,
    throw: leave,
  };
}
