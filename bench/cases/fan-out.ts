/**
 * One changed affiliate told to every watcher of its cluster, encoded for each as a service must.
 * @module
 */
import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { WatchResponseSchema } from "../../src/protocol/index.ts";
import { MemoryRegistry, type WatchMessage } from "../../src/registry/index.ts";
import { watchResponses } from "../../src/server/rpc/wire-messages.ts";
import type { Comparison } from "../harness/compare.ts";
import { type BenchOptions, compareAll } from "../harness/measure.ts";
import { NaiveRegistry } from "../twins/naive-registry.ts";
import { type BenchUpdate, plainView, updateRequest } from "../twins/requests.ts";

export const measure = (options: BenchOptions) => compareAll(comparisons(), options);

const CLUSTER_ID = "cluster";

/** Who else is in the cluster: the snapshot, but no part of an update. */
const AFFILIATES = 100;

async function* comparisons(): AsyncIterable<Comparison> {
  for (const watchers of [1, 100, 1000]) {
    const members = Array.from({ length: AFFILIATES }, (_, i) =>
      updateRequest(CLUSTER_ID, `n${i}`),
    );
    // In turns, so that each is a change.
    const changes = [0, 1].map(() => ({
      ...updateRequest(CLUSTER_ID, "n0"),
      endpoints: members[0]?.endpoints ?? [],
    }));
    const registry = new MemoryRegistry();
    const ours = await FanOut.start(registry, encodeOurs, { watchers, members });
    const naive = await FanOut.start(new NaiveRegistry(() => performance.now()), encodeNaive, {
      watchers,
      members,
    });
    yield {
      name: `update until ${watchers} watcher${watchers === 1 ? " has" : "s have"} its bytes, per watcher`,
      unitsPerOperation: watchers,
      async verify() {
        for (const change of changes) {
          await ours.tell(change);
          await naive.tell(change);
          assert.equal(new Set(ours.last.map(hex)).size, 1);
          assert.deepEqual(ours.last.map(hex), naive.last.map(hex));
        }
      },
      versions: [
        { name: "ours", run: inTurns(changes, (change) => ours.tell(change)) },
        {
          name: "naive queues, protobuf-es",
          run: inTurns(changes, (change) => naive.tell(change)),
        },
      ],
    };
    await registry.close();
  }
}

/** Counts by itself: a batch's index begins at 0 again, and the same change twice is none. */
function inTurns<T>(items: readonly T[], act: (item: T) => Promise<void>): () => Promise<void> {
  let count = 0;
  return () => act(items[count++ % items.length] as T);
}

type Watchable = Pick<MemoryRegistry, "update"> & {
  watch(clusterId: string): AsyncIterable<WatchMessage>;
};

/** Watchers of one cluster that encode what they are told. */
class FanOut {
  /** The bytes that each watcher got last. */
  readonly last: Uint8Array[];
  readonly #registry: Watchable;
  #missing = 0;
  #done: () => void = () => {};

  private constructor(registry: Watchable, watchers: number) {
    this.#registry = registry;
    this.last = Array.from({ length: watchers }, () => new Uint8Array(0));
  }

  /** Resolves when all watchers have the snapshot. */
  static async start(
    registry: Watchable,
    encode: (message: WatchMessage) => Uint8Array,
    { watchers, members }: { watchers: number; members: readonly BenchUpdate[] },
  ): Promise<FanOut> {
    for (const member of members) registry.update(member);
    const fanOut = new FanOut(registry, watchers);
    await fanOut.#untilAllHave(() => {
      for (let i = 0; i < watchers; i++) void fanOut.#watch(i, encode);
    });
    return fanOut;
  }

  /** Resolves when all watchers have encoded the change; never where it changes nothing. */
  tell(change: BenchUpdate): Promise<void> {
    return this.#untilAllHave(() => this.#registry.update(change));
  }

  #untilAllHave(act: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#missing = this.last.length;
      this.#done = resolve;
      act();
    });
  }

  async #watch(index: number, encode: (message: WatchMessage) => Uint8Array): Promise<void> {
    for await (const message of this.#registry.watch(CLUSTER_ID)) {
      this.last[index] = encode(message);
      if (--this.#missing === 0) this.#done();
    }
  }
}

function encodeOurs(message: WatchMessage): Uint8Array {
  const [response] = watchResponses(message, "binary");
  if (response === undefined) throw new Error("no message for a change");
  return toBinary(WatchResponseSchema, response);
}

function encodeNaive(message: WatchMessage): Uint8Array {
  if (message.kind === "deleted") throw new Error("nothing is deleted here");
  const affiliates = message.affiliates.map(plainView);
  return toBinary(WatchResponseSchema, create(WatchResponseSchema, { affiliates }));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
