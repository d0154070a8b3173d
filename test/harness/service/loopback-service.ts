/**
 * A real gRPC service on loopback that a test stops and starts, and whose affiliates it sets.
 * @module
 */
import { createClusterCipher, generateClusterSecret } from "../../../src/crypto/index.ts";
import type { DiscoveryServer } from "../../../src/node/serve.ts";
import {
  type AffiliateData,
  decodeAffiliate,
  decodeEndpoint,
  encodeAffiliate,
  encodeEndpoint,
} from "../../../src/protocol/index.ts";
import { type AffiliateView, MemoryRegistry } from "../../../src/registry/index.ts";
import { type AffiliateSpec, createAffiliateSpec } from "../../../src/resources/index.ts";
import { unusedPort } from "../net/unused-port.ts";
import { startService } from "./test-service.ts";

export const CLUSTER_ID = "a cluster";
export const CLUSTER_SECRET: string = generateClusterSecret();

const TTL_MS = 60_000;
const cipher = createClusterCipher(CLUSTER_SECRET);

export class LoopbackService implements AsyncDisposable {
  #server: DiscoveryServer;
  #registry: MemoryRegistry;
  /** Stays the same when it stops and starts. */
  readonly url: string;
  #listed = new Set<string>();

  private constructor(server: DiscoveryServer, registry: MemoryRegistry) {
    this.#server = server;
    this.#registry = registry;
    this.url = server.url;
  }

  static async start(): Promise<LoopbackService> {
    const registry = new MemoryRegistry();
    // Nobody else may have its port while it is stopped.
    const port = await unusedPort();
    return new LoopbackService(await startService({ registry, port }), registry);
  }

  /** Ends all connections, and accepts none. It remembers what it knew. */
  async stop(): Promise<void> {
    await this.#server.close();
  }

  /** On the same port. @param forgets - As one without a snapshot file. */
  async startAgain({ forgets = false }: { readonly forgets?: boolean } = {}): Promise<void> {
    if (forgets) {
      await this.#registry.close();
      this.#registry = new MemoryRegistry();
    }
    this.#server = await startService({ registry: this.#registry, port: this.#server.port });
  }

  /** As the node itself would register. */
  put(spec: AffiliateSpec): void {
    this.#listed.add(spec.nodeId);
    const { kubespan, ...data } = spec;
    const plain = encodeAffiliate(
      kubespan?.publicKey ? { ...data, kubespan: { ...kubespan } } : data,
    );
    this.#registry.update({
      clusterId: CLUSTER_ID,
      affiliateId: spec.nodeId,
      data: cipher.sealAffiliate(plain),
      endpoints: (kubespan?.endpoints ?? []).map((endpoint) =>
        cipher.sealEndpoint(encodeEndpoint(endpoint)),
      ),
      ttlMs: TTL_MS,
    });
  }

  delete(nodeId: string): void {
    this.#listed.delete(nodeId);
    this.#registry.delete(CLUSTER_ID, nodeId);
  }

  /** Puts these, and deletes what was put before besides them. */
  replace(specs: readonly AffiliateSpec[]): void {
    for (const nodeId of [...this.#listed]) {
      if (!specs.some((spec) => spec.nodeId === nodeId)) this.delete(nodeId);
    }
    for (const spec of specs) this.put(spec);
  }

  /** What a node has told it, opened. */
  data(nodeId: string): AffiliateData | undefined {
    const view = this.#view(nodeId);
    return view && decodeAffiliate(cipher.openAffiliate(view.data));
  }

  /** What it has of a node, opened, with its endpoints. */
  get(nodeId: string): AffiliateSpec | undefined {
    const view = this.#view(nodeId);
    if (view === undefined) return undefined;
    const data = this.data(nodeId);
    const endpoints = view.endpoints.map((sealed) => decodeEndpoint(cipher.openEndpoint(sealed)));
    return createAffiliateSpec({ ...data, nodeId, endpoints });
  }

  #view(nodeId: string): AffiliateView | undefined {
    return this.#registry.list(CLUSTER_ID).find(({ id }) => id === nodeId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#registry.close();
  }
}
