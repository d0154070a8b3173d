import { describe, expect, test } from "vitest";
import { WatchWriter } from "../../../../src/node/grpc/watch-writer.ts";
import { PieceWriter } from "../../../../src/node/http/piece-writer.ts";
import { UnsentBytes } from "../../../../src/node/http/unsent-bytes.ts";
import type { AffiliateView, WatchMessage } from "../../../../src/registry/registry.ts";
import { AnswerEncoder } from "../../../../src/server/rpc/answer-encoder.ts";
import { settled } from "../../../harness/registry/manual-clock.ts";

const view: AffiliateView = { id: "a", data: Uint8Array.of(1, 2), endpoints: [] };
const snapshot: WatchMessage = { kind: "snapshot", affiliates: [view] };

/** A watch whose messages the test gives. */
class FakeMessages implements AsyncIterator<WatchMessage, undefined> {
  asked = 0;
  returned = 0;
  #waiting: ((step: IteratorResult<WatchMessage, undefined> | Error) => void) | undefined;

  next(): Promise<IteratorResult<WatchMessage, undefined>> {
    this.asked++;
    return new Promise((resolve, reject) => {
      this.#waiting = (step) => (step instanceof Error ? reject(step) : resolve(step));
    });
  }

  async return(): Promise<IteratorResult<WatchMessage, undefined>> {
    this.returned++;
    return { done: true, value: undefined };
  }

  async give(step: WatchMessage | Error | "end"): Promise<void> {
    if (step === "end") this.#waiting?.({ done: true, value: undefined });
    else this.#waiting?.(step instanceof Error ? step : { done: false, value: step });
    await settled();
  }
}

function start({ encoder = new AnswerEncoder(), onMessages = () => {} } = {}) {
  const messages = new FakeMessages();
  const taken: (() => void)[] = [];
  const pieces: Uint8Array[] = [];
  const outlet = {
    destroyed: false,
    write(bytes: Uint8Array, callback: () => void) {
      pieces.push(bytes);
      taken.push(callback);
      return true;
    },
    end() {
      throw new Error("the writer of a watch does not end its stream");
    },
  };
  const writer = new PieceWriter(outlet, {
    account: new UnsentBytes().open(undefined, undefined),
    initialWindowBytes: 65_535,
    writeTimeoutMs: 1000,
  });
  const ends: unknown[] = [];
  const iterable = { [Symbol.asyncIterator]: () => messages };
  const watch = new WatchWriter(writer, iterable, encoder, "binary", {
    onMessages,
    onEnd: (error) => ends.push(error),
  });
  watch.next();
  return { messages, watch, pieces, ends, take: () => taken.shift()?.() };
}

test("the next message is asked for when the last one has been taken", async () => {
  const { messages, pieces, take } = start();
  await messages.give(snapshot);
  expect(pieces).toHaveLength(1);
  expect(messages.asked).toBe(1);
  take();
  expect(messages.asked).toBe(2);
});

describe("the end", () => {
  test("is told once, with the error if there is one", async () => {
    const well = start();
    await well.messages.give("end");
    expect(well.ends).toEqual([undefined]);
    const failed = start();
    const error = new Error("refused");
    await failed.messages.give(error);
    expect(failed.ends).toEqual([error]);
  });

  test("waits for the message that is being written, and asks for no more", async () => {
    const { messages, watch, take, ends } = start();
    await messages.give(snapshot);
    let finished = 0;
    watch.finish(() => finished++);
    expect(finished).toBe(0);
    take();
    expect(finished).toBe(1);
    expect(messages.asked).toBe(1);
    expect(ends).toEqual([]);
  });

  test("is at once if nothing is being written, and what comes later is ignored", async () => {
    const { messages, watch, pieces, ends } = start();
    let finished = 0;
    watch.finish(() => finished++);
    expect(finished).toBe(1);
    await messages.give(snapshot);
    await messages.give(new Error("late"));
    expect(pieces).toHaveLength(0);
    expect(ends).toEqual([]);
  });
});

describe("a message that cannot be written ends the watch with the error, and frees it:", () => {
  test("the encoder throws", async () => {
    const error = new Error("an answer is shorter than its parts say");
    class BrokenEncoder extends AnswerEncoder {
      override watch(): never {
        throw error;
      }
    }
    const { messages, ends } = start({ encoder: new BrokenEncoder() });
    await messages.give(snapshot);
    expect(ends).toEqual([error]);
    expect(messages.returned).toBe(1);
  });

  test("the stream has closed meanwhile", async () => {
    const error = new Error("The stream has been destroyed");
    const onMessages = () => {
      throw error;
    };
    const { messages, ends } = start({ onMessages });
    await messages.give(snapshot);
    expect(ends).toEqual([error]);
    expect(messages.returned).toBe(1);
  });
});
