import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MAX_PIECE_BYTES,
  type Outlet,
  PieceWriter,
  type PieceWriterOptions,
} from "../../../../src/node/http/piece-writer.ts";
import { UnsentBytes } from "../../../../src/node/http/unsent-bytes.ts";
import { BytePacer } from "../../../../src/server/limits/byte-rate.ts";
import { WholeBytes } from "../../../../src/server/rpc/byte-source.ts";
import { createManualClock } from "../../../harness/registry/manual-clock.ts";

const WRITE_TIMEOUT_MS = 60_000;

/** An outlet whose reader is played by the test. */
class FakeOutlet implements Outlet {
  destroyed = false;
  hasEnded = false;
  readonly pieces: Uint8Array[] = [];
  #callback: ((error?: Error | null) => void) | undefined;

  write(bytes: Uint8Array, callback: (error?: Error | null) => void): boolean {
    if (this.#callback !== undefined) throw new Error("a piece is on its way");
    this.pieces.push(bytes);
    this.#callback = callback;
    return true;
  }

  end(bytes: Uint8Array, callback: (error?: Error | null) => void): void {
    this.write(bytes, callback);
    this.hasEnded = true;
  }

  get isWaiting(): boolean {
    return this.#callback !== undefined;
  }

  take(error?: Error): void {
    const callback = this.#callback;
    this.#callback = undefined;
    callback?.(error);
  }
}

function start(options: Partial<PieceWriterOptions> = {}) {
  const clock = createManualClock();
  const unsent = new UnsentBytes();
  const outlet = new FakeOutlet();
  const writer = new PieceWriter(outlet, {
    account: unsent.open(undefined, "a"),
    initialWindowBytes: 0,
    writeTimeoutMs: WRITE_TIMEOUT_MS,
    now: clock.now,
    schedule: clock.schedule,
    ...options,
  });
  let written = 0;
  const write = (bytes: number, isPaced = false) =>
    writer.write(new WholeBytes(new Uint8Array(bytes)), isPaced, () => written++);
  return {
    clock,
    outlet,
    unsent,
    writer,
    write,
    get written() {
      return written;
    },
    /** Sizes of pieces, of which each is taken after a time. */
    sizes(tookMs: readonly number[]): number[] {
      for (const ms of tookMs) {
        clock.jump(ms);
        outlet.take();
      }
      return outlet.pieces.map(({ length }) => length);
    },
  };
}

describe("within the initial window", () => {
  test("pieces are as large as they may be, and fill it exactly", () => {
    const { write, sizes } = start({ initialWindowBytes: 65_535 });
    write(1_000_000);
    expect(sizes([0, 0])).toEqual([MAX_PIECE_BYTES, 65_535 - MAX_PIECE_BYTES, 1]);
  });

  test("a small message is one piece, and the next one goes on where it ended", () => {
    const fake = start({ initialWindowBytes: 1000 });
    fake.write(600);
    fake.outlet.take();
    expect(fake.written).toBe(1);
    fake.write(600);
    expect(fake.sizes([5])).toEqual([600, 400, 1]);
  });
});

describe("beyond it", () => {
  test("pieces begin with one byte, and grow while they are taken fast", () => {
    const { write, sizes } = start();
    write(1_000_000);
    expect(sizes(new Array(10).fill(1))).toEqual([
      ...[1, 4, 16, 64, 256, 1024, 4096, 16_384],
      ...[MAX_PIECE_BYTES, MAX_PIECE_BYTES, MAX_PIECE_BYTES],
    ]);
  });

  test("a piece is no larger than what a slow reader takes in an eighth of the write timeout", () => {
    const { write, sizes } = start();
    write(1_000_000);
    const fast = sizes(new Array(8).fill(0));
    expect(fast.at(-1)).toBe(MAX_PIECE_BYTES);
    // 1.1 bytes per ms, for 7.5 s.
    expect(sizes([30_000]).at(-1)).toBe(8192);
    expect(sizes([7500]).at(-1)).toBe(8192);
    expect(sizes([81_920]).at(-1)).toBe(750);
    expect(sizes([7_500_000]).at(-1)).toBe(1);
    expect(sizes([1e12]).at(-1)).toBe(1);
  });

  test("a reader that is steady gets pieces that take an eighth of the write timeout", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.002, max: 4, noNaN: true }), (bytesPerMs) => {
        const { write, sizes, outlet } = start();
        write(1_000_000);
        for (let i = 0; i < 12; i++) {
          sizes([(outlet.pieces.at(-1)?.length ?? 0) / bytesPerMs]);
        }
        const tookMs = (outlet.pieces.at(-1)?.length ?? 0) / bytesPerMs;
        expect(tookMs).toBeLessThan(Math.max(WRITE_TIMEOUT_MS / 8, 1 / bytesPerMs) + 1e-6);
        expect(tookMs).toBeGreaterThan(WRITE_TIMEOUT_MS / 8 / 16);
      }),
    );
  });

  test("a stalled reader holds one piece", () => {
    const { write, writer, unsent, outlet } = start();
    write(1_000_000);
    outlet.take();
    outlet.take();
    expect(writer.unsentBytes).toBe(16);
    expect(writer.takenBytes).toBe(5);
    expect(unsent.bytes).toBe(16);
    expect(writer.isWriting).toBe(true);
  });
});

test("a piece is no larger than the room that is left", () => {
  const fake = start({ initialWindowBytes: Number.POSITIVE_INFINITY });
  const other = fake.unsent.open(undefined, "a");
  other.add(fake.unsent.perClient - 8192);
  fake.write(100_000);
  expect(fake.sizes([1])).toEqual([2048, 2048]);
  other.add(8192);
  expect(fake.sizes([1])).toEqual([2048, 2048, 1024]);
  other.close();
  expect(fake.sizes([1]).at(-1)).toBe(MAX_PIECE_BYTES);
});

describe("a writer that is closed", () => {
  test("before anything is written, closes its account", () => {
    const { writer, unsent } = start();
    writer.close();
    writer.close();
    expect(unsent.isOver(undefined, "a")).toBe(false);
    expect(unsent.bytes).toBe(0);
  });

  test("while a piece is on its way, forgets it, and ignores that it is taken later", () => {
    const fake = start();
    fake.write(100);
    fake.writer.close();
    expect(fake.unsent.bytes).toBe(0);
    expect(fake.writer.unsentBytes).toBe(0);
    expect(fake.writer.isWriting).toBe(false);
    fake.outlet.take();
    expect(fake.outlet.pieces).toHaveLength(1);
    expect(fake.written).toBe(0);
  });

  test("while it waits for its turn, leaves no timer", async () => {
    const fake = start({ pace: () => 10 });
    fake.write(100, true);
    expect(fake.clock.pending).toBe(1);
    fake.writer.close();
    expect(fake.clock.pending).toBe(0);
    await fake.clock.advance(1000);
    expect(fake.outlet.pieces).toHaveLength(0);
  });

  test("after all is written, has nothing left", () => {
    const fake = start({ initialWindowBytes: 100 });
    fake.write(100);
    fake.outlet.take();
    expect(fake.written).toBe(1);
    fake.writer.close();
    expect(fake.unsent.bytes).toBe(0);
  });

  test("and is given something to write, writes nothing", () => {
    const fake = start();
    fake.writer.close();
    fake.write(100);
    expect(fake.outlet.pieces).toHaveLength(0);
    expect(fake.writer.isWriting).toBe(false);
    expect(fake.unsent.bytes).toBe(0);
  });
});

test("a piece that fails is not counted as taken, and nothing follows it", () => {
  const fake = start();
  fake.write(100);
  fake.outlet.take(new Error("reset"));
  expect(fake.outlet.pieces).toHaveLength(1);
  expect(fake.writer.takenBytes).toBe(0);
  fake.writer.close();
  expect(fake.unsent.bytes).toBe(0);
});

test("nothing is written to an outlet that is destroyed", async () => {
  const fake = start({ pace: (bytes) => (bytes === 4 ? 10 : 0) });
  fake.write(100, true);
  fake.outlet.take();
  fake.outlet.destroyed = true;
  await fake.clock.advance(10);
  expect(fake.outlet.pieces).toHaveLength(1);
});

test("what is empty is written at once", () => {
  const fake = start();
  fake.write(0);
  expect(fake.written).toBe(1);
  expect(fake.outlet.pieces).toHaveLength(0);
});

describe("pacing", () => {
  function paced(perSecond: number, burst: number) {
    const clock = createManualClock();
    const pacer = new BytePacer({ perSecond, burst }, clock.now);
    const ip = Uint8Array.of(192, 0, 2, 1);
    let asked = 0;
    const pace = (bytes: number) => {
      asked++;
      return pacer.book(ip, bytes);
    };
    const writers = (count: number) =>
      Array.from({ length: count }, () =>
        start({
          ...{ initialWindowBytes: Number.POSITIVE_INFINITY, pace },
          ...{ now: clock.now, schedule: clock.schedule },
        }),
      );
    return { clock, writers, asked: () => asked };
  }

  test("holds a large answer to the rate of its client, and a change to none", async () => {
    const { clock, writers } = paced(32_768_000, 1);
    const [large, change] = writers(2) as [ReturnType<typeof start>, ReturnType<typeof start>];
    large.write(10 * MAX_PIECE_BYTES, true);
    change.write(500, false);
    expect(change.outlet.pieces).toHaveLength(1);
    for (let ms = 1; ms <= 10; ms++) {
      await clock.advance(1);
      expect(large.outlet.pieces).toHaveLength(ms);
      large.outlet.take();
    }
    expect(large.written).toBe(1);
  });

  test("asks once for each piece, however many answers wait", async () => {
    const { clock, writers, asked } = paced(32_768_000, 1);
    const all = writers(500);
    for (const each of all) each.write(3 * MAX_PIECE_BYTES, true);
    for (let ms = 0; ms < 1501; ms++) {
      await clock.advance(1);
      for (const { outlet } of all) if (outlet.isWaiting) outlet.take();
    }
    expect(all.every(({ written }) => written === 1)).toBe(true);
    expect(asked()).toBe(1500);
    expect(clock.pending).toBe(0);
  });

  test("goes on with a burst that is smaller than a piece, and waits no longer than timers go", async () => {
    const { clock, writers } = paced(0.001, 1);
    const [slow] = writers(1) as [ReturnType<typeof start>];
    slow.write(MAX_PIECE_BYTES, true);
    await clock.advance(2 ** 31 - 2);
    expect(slow.outlet.pieces).toHaveLength(0);
    await clock.advance(1);
    expect(slow.outlet.pieces).toHaveLength(1);
  });
});

test("the outlet ends with the last piece", () => {
  const { writer, outlet } = start({ initialWindowBytes: 100_000 });
  writer.end(new WholeBytes(new Uint8Array(65_537)), false);
  expect([outlet.pieces.map(({ length }) => length), outlet.hasEnded]).toEqual([[32_768], false]);
  outlet.take();
  outlet.take();
  const sizes = [32_768, 32_768, 1];
  expect([outlet.pieces.map(({ length }) => length), outlet.hasEnded]).toEqual([sizes, true]);
});

test("an outlet without anything to write ends at once", () => {
  const { writer, outlet } = start();
  writer.end(new WholeBytes(new Uint8Array(0)), true);
  expect(outlet.hasEnded).toBe(true);
});
