/**
 * Updates and lists of a registry of one usual cluster, against the naive registry.
 * @module
 */
import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { ListResponseSchema } from "../../src/protocol/index.ts";
import { MemoryRegistry } from "../../src/registry/index.ts";
import { listResponse } from "../../src/server/rpc/wire-messages.ts";
import type { Comparison, Version } from "../harness/compare.ts";
import { type BenchOptions, compareAll } from "../harness/measure.ts";
import { NaiveRegistry } from "../twins/naive-registry.ts";
import { plainView, updateRequest } from "../twins/requests.ts";

export const measure = (options: BenchOptions) => compareAll(comparisons(), options);

const AFFILIATES = 100;
const CLUSTER_ID = "cluster";

/** As many new affiliates as fit into one cluster. */
const NEW_AFFILIATES = 1000;

type Updatable = Pick<MemoryRegistry, "update">;

function* comparisons(): Iterable<Comparison> {
  const first = requests(AFFILIATES);
  // Other buffers with the same bytes, as the next request has.
  const again = first.map(({ data, endpoints, ...rest }) => ({
    ...rest,
    data: data.slice(),
    endpoints: endpoints.map((endpoint) => endpoint.slice()),
  }));
  const other = requests(AFFILIATES).map(({ data }, i) => ({ ...again[i], data })) as typeof first;
  const fresh = requests(NEW_AFFILIATES);

  yield {
    name: "update: identical refresh, 300 bytes and 4 endpoints",
    verify: () => verifyAfter([...first, ...again]),
    versions: versions((registry) => {
      fill(registry, first);
      return (index) => registry.update(again[index % AFFILIATES] as (typeof again)[0]);
    }),
  };
  yield {
    name: "update: changed data, the same endpoints",
    verify: () => verifyAfter([...first, ...other, ...again]),
    versions: versions((registry) => {
      fill(registry, first);
      let count = 0;
      return () => {
        // Every affiliate in turn, and with the other data each time round.
        const round = Math.floor(count / AFFILIATES) % 2 === 0 ? other : again;
        registry.update(round[count++ % AFFILIATES] as (typeof again)[0]);
      };
    }),
  };
  yield {
    name: "update: new affiliate",
    verify: () => verifyAfter(fresh),
    operations: NEW_AFFILIATES,
    versions: [
      newAffiliates("ours", () => new MemoryRegistry(), fresh),
      newAffiliates("naive map", () => new NaiveRegistry(() => performance.now()), fresh),
    ],
  };

  const ours = new MemoryRegistry();
  const naive = new NaiveRegistry(() => performance.now());
  fill(ours, first);
  fill(naive, first);
  yield {
    name: "list of 100",
    verify: () => verifyAfter(first),
    versions: [
      { name: "ours", run: () => ours.list(CLUSTER_ID) },
      { name: "naive map", run: () => naive.list(CLUSTER_ID) },
    ],
  };
  const encodeOurs = () =>
    toBinary(ListResponseSchema, listResponse(ours.list(CLUSTER_ID), "binary"));
  const encodeNaive = () =>
    toBinary(
      ListResponseSchema,
      create(ListResponseSchema, { affiliates: naive.list(CLUSTER_ID).map(plainView) }),
    );
  yield {
    name: "list of 100, encoded as a ListResponse",
    verify: () => assert.deepEqual(encodeOurs(), encodeNaive()),
    versions: [
      { name: "ours", run: encodeOurs },
      { name: "naive map, protobuf-es", run: encodeNaive },
    ],
  };
}

function requests(count: number) {
  return Array.from({ length: count }, (_, i) => updateRequest(CLUSTER_ID, `node-${i}`));
}

function fill(registry: Updatable, all: ReturnType<typeof requests>): void {
  for (const request of all) registry.update(request);
}

/** One registry of each kind for the whole comparison. */
function versions(prepare: (registry: Updatable) => (index: number) => void): readonly Version[] {
  return [
    { name: "ours", run: prepare(new MemoryRegistry()) },
    { name: "naive map", run: prepare(new NaiveRegistry(() => performance.now())) },
  ];
}

/** A new registry for each batch. */
function newAffiliates<R extends Updatable>(
  name: string,
  createRegistry: () => R,
  all: ReturnType<typeof requests>,
): Version<R> {
  return {
    name,
    setup: createRegistry,
    run: (index, registry) => registry.update(all[index] as (typeof all)[0]),
    teardown: (registry) => (registry instanceof MemoryRegistry ? registry.close() : undefined),
  };
}

/** Both list the same after the same requests. */
function verifyAfter(all: ReturnType<typeof requests>): void {
  const ours = new MemoryRegistry();
  const naive = new NaiveRegistry(() => performance.now());
  fill(ours, all);
  fill(naive, all);
  const listed = ours.list(CLUSTER_ID).map(plainView);
  assert.ok(listed.length > 0);
  assert.deepEqual(listed, naive.list(CLUSTER_ID).map(plainView));
}
