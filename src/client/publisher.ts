/**
 * Keeps what a node wants known registered: at once when it changes and after every reconnect, then
 * at half the TTL.
 * @see docs/protocol.md, "What a client does", 3 and 5
 * @module
 */
import type { Client } from "@connectrpc/connect";
import type { Sleep } from "../async/timers.ts";
import { linkedController, unlessAborted, Wakeup } from "../async/waits.ts";
import type { ClusterCipher } from "../crypto/cluster-cipher.ts";
import type { AffiliateData } from "../protocol/affiliate.ts";
import type { Cluster } from "../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import { type PublishOptions, type SealedPublication, sealPublication } from "./sealing.ts";

/** How long one round of updates may take, all nodes' endpoints together. */
const ROUND_TIMEOUT_MS = 30_000;

type Endpoints = readonly Uint8Array[];

export interface PublisherOptions {
  readonly clusterId: string;
  readonly nodeId: string;
  readonly cipher: ClusterCipher;
  /** Whole milliseconds. */
  readonly ttlMs: number;
  readonly now: () => number;
  readonly sleep: Sleep;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #changed: Wakeup = new Wakeup();
  readonly #progress: Wakeup = new Wakeup();
  #sealed: SealedPublication | undefined;
  #wanted: "nothing" | "published" | "withdrawn" = "nothing";
  /** Counts changes of what is wanted. */
  #revision = 0;
  /** The last revision that a service has accepted whole. */
  #acceptedRevision = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Whether there is nothing to tell a service. */
  get isIdle(): boolean {
    return this.#wanted === "nothing";
  }

  /** @throws as {@link sealPublication}; nothing has changed then. */
  publish(affiliate: AffiliateData, options: PublishOptions): void {
    const { cipher, nodeId } = this.#options;
    const sealed = sealPublication(cipher, nodeId, affiliate, options, this.#sealed);
    if (sealed === this.#sealed && this.#wanted === "published") return;
    this.#sealed = sealed;
    this.#want("published");
  }

  withdraw(): void {
    if (this.#wanted !== "withdrawn") this.#want("withdrawn");
  }

  /** Resolves when a service has accepted what is wanted now, or something newer. */
  async flush(signal: AbortSignal): Promise<void> {
    const revision = this.#revision;
    signal.throwIfAborted();
    while (this.#acceptedRevision < revision) await this.#progress.wait(signal);
  }

  /**
   * Publishes over one connection until something fails.
   *
   * @param onAccepted - Called after each round.
   * @throws what the call failed with; `signal.reason` when `signal` aborts.
   */
  async run(
    client: Client<typeof Cluster>,
    onAccepted: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const revision = this.#revision;
      if (!this.isIdle) {
        await this.#round(client, signal);
        this.#acceptedRevision = revision;
        onAccepted();
        this.#progress.notify();
      }
      if (revision === this.#revision) await this.#changeOrRefresh(signal);
    }
  }

  #want(wanted: "published" | "withdrawn"): void {
    this.#wanted = wanted;
    this.#revision++;
    this.#changed.notify();
  }

  async #round(client: Client<typeof Cluster>, signal: AbortSignal): Promise<void> {
    const { clusterId, nodeId, now, ttlMs } = this.#options;
    const endMs = now() + ROUND_TIMEOUT_MS;
    // Whole: a gRPC timeout has no fraction, and servers refuse one.
    const callOptions = () => ({ signal, timeoutMs: Math.max(1, Math.ceil(endMs - now())) });
    const sealed = this.#sealed;
    if (this.#wanted === "withdrawn" || sealed === undefined) {
      const request = { clusterId, affiliateId: nodeId };
      await unlessAborted(client.affiliateDelete(request, callOptions()), signal);
      return;
    }
    const ttl = { seconds: BigInt(Math.floor(ttlMs / 1000)), nanos: (ttlMs % 1000) * 1_000_000 };
    const update = (affiliateId: string, data: Uint8Array | undefined, endpoints: Endpoints) => {
      const content = { affiliateData: data, affiliateEndpoints: [...endpoints] };
      const call = client.affiliateUpdate(
        { clusterId, affiliateId, ...content, ttl },
        callOptions(),
      );
      return unlessAborted(call, signal);
    };
    await update(nodeId, sealed.data, sealed.endpoints);
    for (const other of sealed.others) await update(other.nodeId, undefined, other.endpoints);
  }

  async #changeOrRefresh(signal: AbortSignal): Promise<void> {
    const { sleep, ttlMs } = this.#options;
    if (this.isIdle) {
      await this.#changed.wait(signal);
      return;
    }
    const { controller, unlink } = linkedController(signal);
    try {
      await Promise.race([
        this.#changed.wait(controller.signal),
        sleep(ttlMs / 2, controller.signal),
      ]);
    } finally {
      controller.abort();
      unlink();
    }
  }
}
