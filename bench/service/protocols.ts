/**
 * What our own service spends on the same answers in each protocol, per byte that it sends.
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  create,
  type DescMessage,
  fromBinary,
  fromJsonString,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import {
  AffiliateUpdateRequestSchema,
  ListRequestSchema,
  ListResponseSchema,
  WatchRequestSchema,
  WatchResponseSchema,
} from "../../src/protocol/index.ts";
import { summarize } from "../harness/statistics.ts";
import { cpuSeconds } from "./process-usage.ts";
import { PROTOCOLS, type Protocol, RawClient, type RawWatch } from "./raw-client.ts";
import { markdownTable } from "./report.ts";
import type { RunningServer, ServerHall } from "./servers.ts";

/** One kind of answer, in all protocols. */
export interface ProtocolCase {
  readonly name: string;
  readonly operation: string;
  /** Measured operations of a full run; a third of them runs first, to warm up. */
  readonly count: number;
  readonly measure: (server: RunningServer, protocol: Protocol, count: number) => Promise<Measured>;
}

/** What was done between two looks at the CPU time. */
interface Measured {
  /** Answers or messages. */
  readonly operations: number;
  readonly bytes: number;
  readonly cpuSeconds: number;
}

/** One protocol of a case over all rounds. */
export interface ProtocolResult {
  readonly name: string;
  readonly operation: string;
  readonly protocol: string;
  /** CPU time per operation, in µs. */
  readonly microseconds: number;
  readonly bytesPerOperation: number;
  readonly nsPerByte: number;
  /** CPU time per byte over that of gRPC in the same round: median, smallest, largest. */
  readonly ratio: { readonly median: number; readonly min: number; readonly max: number };
  readonly holds: boolean;
}

/** No protocol may cost more per byte than this times gRPC. */
export const PROTOCOL_RATIO_LIMIT = 2;

/** What is listed and watched. */
interface PublishedCluster {
  readonly id: string;
  readonly affiliates: number;
  readonly dataBytes: number;
  readonly endpoints: number;
}

/** As the load generator publishes. */
const COMMON: PublishedCluster = { id: "common", affiliates: 100, dataBytes: 300, endpoints: 4 };
/** The largest that the service takes: 4.4 MB. */
const FULL: PublishedCluster = { id: "full", affiliates: 1024, dataBytes: 2048, endpoints: 64 };
const ENDPOINT_BYTES = 32;

const CONNECTIONS = 8;
const CONCURRENCY = 16;
const WATCHERS = 200;
const WATCH_CONNECTIONS = 20;

const WARM_UP_SHARE = 1 / 3;
const TRAILING_MS = 100;
/** A guard against programs that hang; no figure depends on it. */
const DELIVERY_LIMIT_MS = 30_000;

/** Changes of all cases: data that is there already is no change. */
let published = 0;

const NATIVE = PROTOCOLS[0] as Protocol;

export const PROTOCOL_CASES: readonly ProtocolCase[] = [
  {
    name: "protocol-list",
    operation: "List of 100 affiliates",
    count: 4000,
    measure: (server, protocol, count) => measureList(COMMON, server, protocol, count),
  },
  {
    name: "protocol-list-full",
    operation: "List of 1024 affiliates, the largest",
    count: 200,
    measure: (server, protocol, count) => measureList(FULL, server, protocol, count),
  },
  {
    name: "protocol-watch",
    operation: `message to one of ${WATCHERS} watchers on ${WATCH_CONNECTIONS} connections`,
    count: 400,
    measure: measureWatch,
  },
];

/** All protocols of each case, in turns. Each round has a process of its own. */
export async function runProtocolRound(
  cases: readonly ProtocolCase[],
  hall: ServerHall,
  { round, share }: { readonly round: number; readonly share: number },
): Promise<ReadonlyMap<string, readonly Measured[]>> {
  const results = new Map<string, Measured[]>();
  if (cases.length === 0) return results;
  await using server = await hall.start("ours");
  using client = await RawClient.open(server.endpoint, 1);
  for (const cluster of [COMMON, FULL]) {
    for (let i = 0; i < cluster.affiliates; i++) await publish(client, cluster, i, 0);
    await compareLists(client, cluster);
  }
  for (const { name, count, measure } of cases) {
    const measured: Measured[] = [];
    for (let turn = 0; turn < PROTOCOLS.length; turn++) {
      const at = (turn + round) % PROTOCOLS.length;
      measured[at] = await measure(server, PROTOCOLS[at] as Protocol, Math.ceil(count * share));
      process.stderr.write(`round ${round + 1}: ${name} ${PROTOCOLS[at]?.name}\n`);
    }
    results.set(name, measured);
  }
  return results;
}

/** @param rounds - What {@link runProtocolRound} gave for `protocolCase`. */
export function concludeProtocols(
  { name, operation }: ProtocolCase,
  rounds: readonly (readonly Measured[])[],
): readonly ProtocolResult[] {
  const nsPerByte = ({ bytes, cpuSeconds }: Measured) => (cpuSeconds * 1e9) / bytes;
  return PROTOCOLS.map((protocol, at) => {
    const own = rounds.map((round) => round[at] as Measured);
    const median = (of: (measured: Measured) => number) => summarize(own.map(of)).median;
    const ratio = summarize(
      rounds.map((round) => nsPerByte(round[at] as Measured) / nsPerByte(round[0] as Measured)),
    );
    return {
      name,
      operation,
      protocol: protocol.name,
      microseconds: median((each) => (each.cpuSeconds * 1e6) / each.operations),
      bytesPerOperation: median((each) => each.bytes / each.operations),
      nsPerByte: median(nsPerByte),
      ratio: { median: ratio.median, min: ratio.min, max: ratio.max },
      holds: ratio.median <= PROTOCOL_RATIO_LIMIT,
    };
  });
}

/**
 * A Markdown table.
 *
 * @param isJudged - Whether to say which ratios hold.
 */
export function formatProtocols(results: readonly ProtocolResult[], isJudged: boolean): string {
  const header = ["case", "operation", "protocol", "CPU", "bytes", "per byte"];
  return markdownTable([
    [...header, "ratio to gRPC per byte (min to max)", "to reach", ""],
    ...results.map((result) => [
      result.name,
      result.operation,
      result.protocol,
      `${result.microseconds.toFixed(1)} µs`,
      result.bytesPerOperation.toFixed(0),
      `${result.nsPerByte.toFixed(2)} ns`,
      `${result.ratio.median.toFixed(2)} (${result.ratio.min.toFixed(2)} to ${result.ratio.max.toFixed(2)})`,
      PROTOCOL_RATIO_LIMIT.toFixed(2),
      isJudged ? (result.holds ? "holds" : "does not hold") : "",
    ]),
  ]);
}

async function measureList(
  { id }: PublishedCluster,
  server: RunningServer,
  protocol: Protocol,
  count: number,
): Promise<Measured> {
  using client = await RawClient.open(server.endpoint, CONNECTIONS);
  const message = encode(ListRequestSchema, { clusterId: id }, protocol);
  let bytes = 0;
  async function call(calls: number): Promise<void> {
    let left = calls;
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        while (left-- > 0) {
          const { length } = await client.unary(protocol, "List", message);
          bytes += length;
        }
      }),
    );
  }
  await call(Math.ceil(count * WARM_UP_SHARE));
  bytes = 0;
  return await measured(server, async () => {
    await call(count);
    return { operations: count, bytes };
  });
}

async function measureWatch(
  server: RunningServer,
  protocol: Protocol,
  count: number,
): Promise<Measured> {
  using client = await RawClient.open(server.endpoint, WATCH_CONNECTIONS);
  using publisher = await RawClient.open(server.endpoint, 1);
  const message = encode(WatchRequestSchema, { clusterId: COMMON.id }, protocol);
  const watches = Array.from({ length: WATCHERS }, () => client.watch(protocol, "Watch", message));
  await allHave(watches, 1);
  let told = 1;
  async function change(changes: number): Promise<void> {
    for (let i = 0; i < changes; i++) {
      published++;
      told++;
      await publish(publisher, COMMON, published % COMMON.affiliates, published);
      await allHave(watches, told);
    }
  }
  await change(Math.ceil(count * WARM_UP_SHARE));
  const total = () => watches.reduce((sum, { bytes }) => sum + bytes, 0);
  const before = total();
  const result = await measured(server, async () => {
    await change(count);
    return { operations: count * WATCHERS, bytes: total() - before };
  });
  const last = dataOf(COMMON, published % COMMON.affiliates, published);
  for (const watch of watches) checkLast(watch, protocol, last);
  return result;
}

async function measured(
  server: RunningServer,
  run: () => Promise<Omit<Measured, "cpuSeconds">>,
): Promise<Measured> {
  await delay(TRAILING_MS);
  const before = await cpuSeconds(server.pid);
  const done = await run();
  await delay(TRAILING_MS);
  return { ...done, cpuSeconds: (await cpuSeconds(server.pid)) - before };
}

/** Waits until each watch has had so many messages. */
async function allHave(watches: readonly RawWatch[], messages: number): Promise<void> {
  const endsAt = performance.now() + DELIVERY_LIMIT_MS;
  while (watches.some((watch) => watch.messages < messages)) {
    if (watches.some((watch) => watch.hasEnded)) throw new Error("a watch has ended");
    if (performance.now() > endsAt) throw new Error("a message has not arrived");
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** All protocols must say the same before anything is timed. */
async function compareLists(
  client: RawClient,
  { id, affiliates }: PublishedCluster,
): Promise<void> {
  const lists: string[] = [];
  for (const protocol of PROTOCOLS) {
    const request = encode(ListRequestSchema, { clusterId: id }, protocol);
    const bytes = await client.unary(protocol, "List", request);
    const list =
      protocol.codec === "binary"
        ? fromBinary(ListResponseSchema, bytes)
        : fromJsonString(ListResponseSchema, new TextDecoder().decode(bytes));
    if (list.affiliates.length !== affiliates) throw new Error(`${protocol.name}: another list`);
    lists.push(toJsonString(ListResponseSchema, list));
  }
  if (new Set(lists).size !== 1) throw new Error("protocols list different affiliates");
}

function checkLast({ last }: RawWatch, protocol: Protocol, data: Uint8Array): void {
  const response =
    protocol.codec === "binary"
      ? fromBinary(WatchResponseSchema, last)
      : fromJsonString(WatchResponseSchema, new TextDecoder().decode(last));
  const [affiliate] = response.affiliates;
  if (affiliate === undefined || Buffer.compare(affiliate.data, data) !== 0) {
    throw new Error(`${protocol.name}: a watcher has another change`);
  }
}

async function publish(
  client: RawClient,
  cluster: PublishedCluster,
  affiliate: number,
  sequence: number,
): Promise<void> {
  const message = encode(
    AffiliateUpdateRequestSchema,
    {
      clusterId: cluster.id,
      affiliateId: `affiliate-${affiliate}`,
      affiliateData: dataOf(cluster, affiliate, sequence),
      affiliateEndpoints: Array.from({ length: cluster.endpoints }, (_, i) =>
        new Uint8Array(ENDPOINT_BYTES).fill(affiliate).fill(i, 0, 1),
      ),
      ttl: { seconds: 1800n },
    },
    NATIVE,
  );
  await client.unary(NATIVE, "AffiliateUpdate", message);
}

function dataOf({ dataBytes }: PublishedCluster, affiliate: number, sequence: number): Uint8Array {
  const data = new Uint8Array(dataBytes).fill(affiliate);
  new DataView(data.buffer).setUint32(0, sequence);
  return data;
}

function encode<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
  { codec }: Protocol,
): Uint8Array {
  const message = create(schema, init);
  if (codec === "binary") return toBinary(schema, message);
  return new TextEncoder().encode(toJsonString(schema, message));
}
