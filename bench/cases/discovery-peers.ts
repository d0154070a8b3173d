/**
 * Those who discover each other: clients of ours, and the same calls by hand.
 * @module
 */
import assert from "node:assert/strict";
import { type Client, createClient } from "@connectrpc/connect";
import { type AffiliateChange, DiscoveryClient } from "../../src/client/index.ts";
import { createClusterCipher } from "../../src/crypto/index.ts";
import { generateNodeId } from "../../src/identity/index.ts";
import { type GrpcTransport, grpcTransport } from "../../src/node/index.ts";
import { Cluster, encodeAffiliate, MAX_TTL_MS } from "../../src/protocol/index.ts";

/** Where peers meet. */
export interface Place {
  readonly service: string;
  readonly clusterId: string;
  readonly clusterSecret: string;
}

/** One of our clients, running. */
export interface RunningClient {
  readonly client: DiscoveryClient;
  readonly nodeId: string;
  leave(): Promise<void>;
}

/** A connection for calls. `signal` aborts when it ends. */
export interface CallsByHand {
  readonly cluster: Client<typeof Cluster>;
  readonly signal: AbortSignal;
  end(): void;
}

export function startClient(place: Place): RunningClient {
  const nodeId = generateNodeId();
  const client = new DiscoveryClient({ ...place, transport: grpcTransport, nodeId });
  const running = client.run();
  const leave = async () => {
    await client[Symbol.asyncDispose]();
    await running;
  };
  return { client, nodeId, leave };
}

export function callByHand(service: string): CallsByHand {
  const transport: GrpcTransport = grpcTransport(service);
  const gone = new AbortController();
  const end = () => {
    gone.abort();
    transport.close();
  };
  return { cluster: createClient(Cluster, transport), signal: gone.signal, end };
}

/** Two clients: what one publishes, the other is told. */
export class OurPair {
  readonly #publisher: RunningClient;
  readonly #watcher: RunningClient;
  readonly #changes: AsyncIterator<AffiliateChange>;
  #count = 0;

  private constructor(place: Place) {
    this.#publisher = startClient(place);
    this.#watcher = startClient(place);
    this.#changes = this.#watcher.client.watch()[Symbol.asyncIterator]();
  }

  static async start(place: Place): Promise<OurPair> {
    const pair = new OurPair(place);
    await pair.#changes.next();
    return pair;
  }

  async change(): Promise<void> {
    const hostname = `host-${this.#count++}`;
    this.#publisher.client.publish({ hostname, nodename: "node" }, { endpoints: [] });
    const { value } = await this.#changes.next();
    assert.ok(value.kind === "updated" && value.affiliate.hostname === hostname);
  }

  async leave(): Promise<void> {
    await this.#publisher.leave();
    await this.#watcher.leave();
  }
}

/** Two connections with the calls that a change takes, sealed beforehand and not opened. */
export class PairByHand {
  readonly #publisher: CallsByHand;
  readonly #watcher: CallsByHand;
  readonly #messages: AsyncIterator<{ affiliates: { data: Uint8Array }[] }>;
  readonly #clusterId: string;
  readonly #sealed: readonly Uint8Array[];
  #count = 0;

  private constructor({ service, clusterId, clusterSecret }: Place) {
    this.#publisher = callByHand(service);
    this.#watcher = callByHand(service);
    this.#clusterId = clusterId;
    this.#messages = this.#watcher.cluster
      .watch({ clusterId }, { signal: this.#watcher.signal })
      [Symbol.asyncIterator]();
    const cipher = createClusterCipher(clusterSecret);
    const nodeId = generateNodeId();
    this.#sealed = ["host-0", "host-1"].map((hostname) =>
      cipher.sealAffiliate(encodeAffiliate({ nodeId, hostname, nodename: "node" })),
    );
  }

  static async start(place: Place): Promise<PairByHand> {
    const pair = new PairByHand(place);
    await pair.#messages.next();
    return pair;
  }

  async change(): Promise<void> {
    const affiliateData = this.#sealed[this.#count++ % this.#sealed.length] as Uint8Array;
    // As the client does: the watcher may have the change before the caller has the answer.
    const answered = this.#publisher.cluster.affiliateUpdate({
      clusterId: this.#clusterId,
      affiliateId: "node",
      affiliateData,
      ttl: { seconds: BigInt(MAX_TTL_MS / 1000) },
    });
    const { value } = await this.#messages.next();
    assert.deepEqual(value.affiliates[0]?.data, affiliateData);
    await answered;
  }

  async leave(): Promise<void> {
    this.#publisher.end();
    this.#watcher.end();
  }
}
