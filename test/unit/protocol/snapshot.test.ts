import { readFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDiscoveryError } from "../../../src/errors.ts";
import { StateSnapshotSchema } from "../../../src/protocol/gen/sidero/discovery/storage/storage_pb.ts";
import { MAX_SNAPSHOT_CLUSTER_BYTES } from "../../../src/protocol/limits.ts";
import {
  decodeSnapshotCluster,
  encodeSnapshotCluster,
  type KeptCluster,
  snapshotTimeLeftMs,
} from "../../../src/protocol/snapshot.ts";
import { readSnapshot, splitSnapshot } from "../../../src/protocol/snapshot-entries.ts";

const VECTORS = join(import.meta.dirname, "../../vectors");

interface Vector {
  readonly savedAt: string;
  readonly clusters: readonly {
    readonly id: string;
    readonly affiliates: readonly VectorAffiliate[];
  }[];
}

interface VectorPart {
  readonly data: string;
  readonly ttlSeconds?: number;
  readonly expiration?: string;
}

interface VectorAffiliate extends VectorPart {
  readonly id: string;
  readonly endpoints: readonly VectorPart[];
}

function vector(form: string): { bytes: Uint8Array; expected: Vector } {
  const path = join(VECTORS, `snapshot-${form}`);
  return {
    bytes: Uint8Array.from(readFileSync(`${path}.binpb`)),
    expected: JSON.parse(readFileSync(`${path}.json`, "utf8")) as Vector,
  };
}

async function readAll(chunks: Iterable<Uint8Array>) {
  const clusters = [];
  for await (const { cluster } of readSnapshot(chunks)) clusters.push(cluster);
  return clusters;
}

/** What was read before the error, and the error. */
async function readUntilError(chunks: Iterable<Uint8Array>) {
  const ids: string[] = [];
  let end = 0;
  try {
    for await (const { cluster, endsAt } of readSnapshot(chunks)) {
      ids.push(cluster.id);
      end = endsAt;
    }
    return { ids, end, error: undefined };
  } catch (error) {
    return { ids, end, error };
  }
}

const ttlMs = fc.oneof(
  fc.integer({ min: 0, max: 1_800_000 }),
  fc.double({ min: 0, max: 1e13, noNaN: true }),
);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const keptCluster: fc.Arbitrary<KeptCluster> = fc.record({
  id: fc.string({ unit: "binary", maxLength: 40 }),
  affiliates: fc.array(
    fc.record({
      id: fc.string({ unit: "binary", maxLength: 40 }),
      data: bytes(300),
      ttlMs,
      endpoints: fc.array(fc.record({ data: bytes(40), ttlMs }), { maxLength: 5 }),
    }),
    { maxLength: 5 },
  ),
});

describe("the reference's files", () => {
  test("a file with remaining times decodes, and encodes to the same bytes", async () => {
    const { bytes, expected } = vector("ttl");
    const clusters = await readAll([bytes]);
    const seconds = (part: Parameters<typeof snapshotTimeLeftMs>[0]) =>
      (snapshotTimeLeftMs(part, 0) ?? Number.NaN) / 1000;
    const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");
    expect(
      clusters.map(({ id, affiliates }) => ({
        id,
        affiliates: affiliates.map((affiliate) => ({
          id: affiliate.id,
          data: hex(affiliate.data),
          ttlSeconds: seconds(affiliate),
          endpoints: affiliate.endpoints.map((endpoint) => ({
            data: hex(endpoint.data),
            ttlSeconds: seconds(endpoint),
          })),
        })),
      })),
    ).toEqual(expected.clusters);

    const encoded = expected.clusters.map(({ id, affiliates }) =>
      encodeSnapshotCluster({
        id,
        affiliates: affiliates.map(({ id, endpoints, ...part }) => ({
          id,
          ...kept(part),
          endpoints: endpoints.map(kept),
        })),
      }),
    );
    expect(Uint8Array.from(Buffer.concat(encoded))).toEqual(bytes);

    function kept({ data, ttlSeconds = 0 }: VectorPart) {
      // A fraction of a second is cut off.
      return { data: Buffer.from(data, "hex"), ttlMs: ttlSeconds * 1000 + 999 };
    }
  });

  test("an older file's instants become what is left of them by the clock on the wall", async () => {
    const { bytes, expected } = vector("expiration");
    const [cluster] = await readAll([bytes]);
    const affiliate = cluster?.affiliates[0];
    const written = expected.clusters[0]?.affiliates[0];
    const instant = Date.parse(written?.expiration ?? "");
    expect(affiliate && snapshotTimeLeftMs(affiliate, instant - 5_000)).toBe(5_000);
    expect(affiliate && snapshotTimeLeftMs(affiliate, instant + 1)).toBe(-1);
    expect(affiliate?.id).toBe(written?.id);
  });
});

describe("encodeSnapshotCluster", () => {
  test("writes what the protobuf library writes, and a file of several is their concatenation", () => {
    const duration = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: 0 });
    fc.assert(
      fc.property(fc.array(keptCluster, { maxLength: 4 }), (clusters) => {
        const message = create(StateSnapshotSchema, {
          clusters: clusters.map(({ id, affiliates }) => ({
            id,
            affiliates: affiliates.map(({ id, data, ttlMs, endpoints }) => ({
              id,
              data,
              ttl: duration(ttlMs),
              endpoints: endpoints.map(({ data, ttlMs }) => ({ data, ttl: duration(ttlMs) })),
            })),
          })),
        });
        const encoded = Buffer.concat(clusters.map(encodeSnapshotCluster));
        expect(encoded.equals(toBinary(StateSnapshotSchema, message))).toBe(true);
      }),
    );
  });

  test("refuses a cluster that is over the size of an entry", () => {
    const data = new Uint8Array(MAX_SNAPSHOT_CLUSTER_BYTES);
    const affiliate = { id: "a", data, ttlMs: 1, endpoints: [] };
    expect(() => encodeSnapshotCluster({ id: "c", affiliates: [affiliate] })).toThrow(RangeError);
  });

  test("a time that is over is written as none left", () => {
    const affiliate = { id: "", data: new Uint8Array(0), ttlMs: -5_000, endpoints: [] };
    const entry = encodeSnapshotCluster({ id: "", affiliates: [affiliate] });
    expect([...entry]).toEqual([0x0a, 4, 0x12, 2, 0x2a, 0]);
  });
});

describe("readSnapshot", () => {
  const whole = Buffer.concat(
    ["first", "second", "third"].map((id) => encodeSnapshotCluster({ id, affiliates: [] })),
  );

  test("finds the entries however the bytes are cut", async () => {
    const { bytes: file } = vector("ttl");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(file.length), { maxLength: 20 }), async (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), file.length];
        const chunks = edges.slice(1).map((edge, i) => file.subarray(edges[i], edge));
        expect(await readAll(chunks)).toEqual(fromBinary(StateSnapshotSchema, file).clusters);
      }),
    );
  });

  test("an empty file is one without clusters, and a cluster may be empty", async () => {
    expect(await readAll([])).toEqual([]);
    expect(await readAll([Uint8Array.of(0x0a, 0)])).toMatchObject([{ id: "", affiliates: [] }]);
  });

  test("a number may be longer than it needs to be, as the reference reads it", async () => {
    const entry = Uint8Array.of(0x8a, 0x80, 0x00, 0x83, 0x00, 0x0a, 1, 0x63);
    expect(await readAll([entry])).toMatchObject([{ id: "c" }]);
  });

  test.each([
    ["another field", [0x10, 5], "no cluster"],
    ["another wire type", [0x08, 5], "no cluster"],
    ["a length over the limit", [0x0a, 0x84, 0xc2, 0xe1, 0x41], "over 137912579 bytes"],
    ["a length without an end", [0x0a, ...new Array<number>(10).fill(0xff)], "no number"],
    ["a tag alone", [0x0a], "cut"],
    ["half a length", [0x0a, 0x85], "cut"],
    ["half an entry", [0x0a, 5, 0x0a, 3], "5 bytes, of which 3 are missing"],
    ["an entry that is no cluster", [0x0a, 2, 0x0a, 5], "no cluster"],
    ["an ID that is no UTF-8", [0x0a, 3, 0x0a, 1, 0xff], "no cluster"],
  ])("%s ends it, and what comes before stays", async (_name, broken, why) => {
    const { ids, end, error } = await readUntilError([whole, Uint8Array.from(broken), whole]);
    // What follows half an entry fills it up: then that is what is no cluster.
    if (why !== "cut" && !why.includes("missing")) {
      expect(ids).toEqual(["first", "second", "third"]);
      expect(end).toBe(whole.length);
      expect(error).toMatchObject({
        code: "ERR_SNAPSHOT_MALFORMED",
        message: `the entry at byte ${whole.length} is malformed: ${why}`,
      });
    }
    const atEnd = await readUntilError([whole, Uint8Array.from(broken)]);
    expect(atEnd).toMatchObject({ ids: ["first", "second", "third"], end: whole.length });
    expect(atEnd.error).toMatchObject({
      code: "ERR_SNAPSHOT_MALFORMED",
      message: `the entry at byte ${whole.length} is malformed: ${why}`,
    });
  });

  test("an entry of the largest size is waited for, and not made room for before it comes", async () => {
    const head = Uint8Array.of(0x0a, 0x83, 0xc2, 0xe1, 0x41);
    const { error } = await readUntilError([head]);
    expect(error).toMatchObject({ message: expect.stringMatching(/137912579 are missing/) });
  });

  test("a file cut at any byte gives the clusters before the cut", async () => {
    const { bytes: file } = vector("ttl");
    const ends: number[] = [];
    for await (const { endsAt } of splitSnapshot([file])) ends.push(endsAt);
    for (let cut = 0; cut <= file.length; cut++) {
      const { ids, error } = await readUntilError([file.subarray(0, cut)]);
      expect(ids.length).toBe(ends.filter((end) => end <= cut).length);
      expect(error === undefined).toBe(cut === 0 || ends.includes(cut));
    }
  });

  test("any bytes give clusters, or an error of the package", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.nat(60), async (noise, at) => {
        const mixed = Buffer.concat([whole.subarray(0, at), noise]);
        for (const input of [noise, mixed]) {
          const { error } = await readUntilError([input]);
          expect(error === undefined || isDiscoveryError(error)).toBe(true);
        }
      }),
    );
  });

  test("decodeSnapshotCluster passes over fields of a newer version", () => {
    expect(decodeSnapshotCluster(Uint8Array.of(0x0a, 1, 0x63, 0x78, 1))).toMatchObject({ id: "c" });
  });
});
