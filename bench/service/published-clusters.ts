/**
 * The clusters that the protocol cases list and watch, and what each protocol says of them.
 * @module
 */
import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
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
  type ListResponse,
  ListResponseSchema,
  WatchRequestSchema,
  WatchResponseSchema,
} from "../../src/protocol/index.ts";
import { openClient, RawClient, type UnaryClient } from "./raw-client.ts";
import { allHave } from "./raw-watch.ts";
import { HANDLER_PROTOCOLS, PROTOCOLS, type Protocol } from "./wire-protocols.ts";

export interface PublishedCluster {
  readonly id: string;
  readonly affiliates: number;
  readonly dataBytes: number;
  readonly endpoints: number;
}

/** As the load generator publishes. */
export const COMMON: PublishedCluster = {
  id: "common",
  affiliates: 100,
  dataBytes: 300,
  endpoints: 4,
};
/** The largest that the service takes: 4.4 MB. */
export const FULL: PublishedCluster = {
  id: "full",
  affiliates: 1024,
  dataBytes: 2048,
  endpoints: 64,
};
const ENDPOINT_BYTES = 32;

const NATIVE = PROTOCOLS[0] as Protocol;

/** Publishes them. All protocols must say the same before anything is timed. */
export async function publishClusters(endpoint: string): Promise<void> {
  using client = await RawClient.open(endpoint, 1);
  for (const cluster of [COMMON, FULL]) {
    for (let i = 0; i < cluster.affiliates; i++) await publish(client, cluster, i, 0);
    await compareAnswers(endpoint, cluster);
  }
}

export async function publish(
  client: UnaryClient,
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

export function dataOf(
  { dataBytes }: PublishedCluster,
  affiliate: number,
  sequence: number,
): Uint8Array {
  const data = new Uint8Array(dataBytes).fill(affiliate);
  new DataView(data.buffer).setUint32(0, sequence);
  return data;
}

async function compareAnswers(endpoint: string, cluster: PublishedCluster): Promise<void> {
  const request = { clusterId: cluster.id };
  const answers = new Set<string>();
  const add = (name: string, list: ListResponse) => {
    if (list.affiliates.length !== cluster.affiliates) throw new Error(`${name}: another list`);
    answers.add(toJsonString(ListResponseSchema, list));
  };
  for (const protocol of [...PROTOCOLS, ...HANDLER_PROTOCOLS]) {
    using client = await openClient(protocol, endpoint, 1);
    const message = encode(ListRequestSchema, request, protocol);
    const bytes = await client.unary(protocol, "List", message);
    add(protocol.name, decode(ListResponseSchema, bytes, protocol));
  }
  using client = await RawClient.open(endpoint, 1);
  for (const protocol of PROTOCOLS) {
    add(protocol.name, (await readSnapshot(client, protocol, cluster)).list);
  }
  if (answers.size !== 1) throw new Error("protocols list different affiliates");
}

/** Watches until the whole cluster has come. */
export async function readSnapshot(
  client: RawClient,
  protocol: Protocol,
  { id, affiliates }: PublishedCluster,
): Promise<{ readonly list: ListResponse; readonly messages: number }> {
  const list = create(ListResponseSchema);
  const watch = client.watch(protocol, encode(WatchRequestSchema, { clusterId: id }, protocol));
  watch.onMessage = (bytes) => {
    list.affiliates.push(...decode(WatchResponseSchema, bytes, protocol).affiliates);
  };
  while (list.affiliates.length < affiliates) await allHave([watch], watch.messages + 1);
  watch.close();
  return { list, messages: watch.messages };
}

export function encode<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
  { codec }: Protocol,
): Uint8Array {
  const message = create(schema, init);
  if (codec === "binary") return toBinary(schema, message);
  return new TextEncoder().encode(toJsonString(schema, message));
}

export function decode<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  { codec }: Protocol,
): MessageShape<Desc> {
  if (codec === "binary") return fromBinary(schema, bytes);
  return fromJsonString(schema, new TextDecoder().decode(bytes));
}
