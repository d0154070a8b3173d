/**
 * Follows a service's `Watch`: the first message replaces everything known, later ones update or
 * delete.
 * @see docs/protocol.md, "What a client does", 2
 * @module
 */
import type { Client } from "@connectrpc/connect";
import type { ChangeFeed } from "../async/change-feed.ts";
import { type Sleep, withinTime } from "../async/timers.ts";
import { unlessAborted } from "../async/waits.ts";
import type { ClusterCipher } from "../crypto/cluster-cipher.ts";
import { DiscoveryError } from "../errors.ts";
import type { Cluster, WatchResponse } from "../protocol/gen/sidero/discovery/server/cluster_pb.ts";
import { MAX_CLUSTER_AFFILIATES, MAX_SNAPSHOT_MESSAGE_BYTES } from "../protocol/limits.ts";
import type { DiscoveredAffiliate, DropReport } from "./affiliate-change.ts";
import type { ClientObserver } from "./client-observer.ts";
import { AffiliateOpener, type ListedAffiliate } from "./opening.ts";

/**
 * How many affiliates of one message are opened. Four times the protocol's limit, for services that
 * raise it.
 */
export const MAX_OPENED_AFFILIATES: number = 4 * MAX_CLUSTER_AFFILIATES;

/** How long a service may take for its snapshot, which even an unknown cluster has. */
const SNAPSHOT_TIMEOUT_MS = 30_000;

/**
 * A message from this size on may be a part of a split snapshot: there was no room for one more
 * affiliate.
 */
const FULL_MESSAGE_BYTES = MAX_SNAPSHOT_MESSAGE_BYTES - 8192;

export interface WatcherOptions {
  readonly clusterId: string;
  /** Our own, whose affiliate is skipped. */
  readonly nodeId: string;
  readonly cipher: ClusterCipher;
  /** By node ID: what is known of the others. */
  readonly known: ChangeFeed<DiscoveredAffiliate>;
  readonly observer: Pick<ClientObserver, "onSnapshot" | "onChange">;
  readonly report: (drop: DropReport) => void;
  readonly sleep: Sleep;
}

/** Keeps what is known of the others in step with what a service tells. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #opener: AffiliateOpener;
  /** Known before, and not in the snapshot's parts so far. */
  #unconfirmed = new Set<string>();
  /** Whether the next message may be a further part of the snapshot. */
  #isSnapshotOpen = true;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#opener = new AffiliateOpener(options.cipher, options.report);
  }

  /**
   * Follows one stream until the service ends it.
   *
   * @throws what the call failed with; `signal.reason` when `signal` aborts.
   */
  async run(client: Client<typeof Cluster>, signal: AbortSignal): Promise<void> {
    const { clusterId, sleep } = this.#options;
    // Connect's streams have no `return`: the signal alone ends them.
    const stream = client.watch({ clusterId }, { signal })[Symbol.asyncIterator]();
    const first = await withinTime(
      stream.next(),
      SNAPSHOT_TIMEOUT_MS,
      () => new DiscoveryError("ERR_SERVICE_UNAVAILABLE", "the service sent no snapshot in 30 s"),
      sleep,
      signal,
    );
    if (first.done) {
      throw new DiscoveryError("ERR_SERVICE_UNAVAILABLE", "the service sent no snapshot");
    }
    this.#takeSnapshot(first.value);
    for (;;) {
      const { done, value } = await unlessAborted(stream.next(), signal);
      if (done) return;
      this.#takeChange(value);
    }
  }

  #takeSnapshot(message: WatchResponse): void {
    const { known, observer } = this.#options;
    this.#unconfirmed = new Set(known.items.keys());
    this.#isSnapshotOpen = true;
    this.#takeAffiliates(message.affiliates);
    this.#endSnapshot(message);
    known.readers.start();
    observer.onSnapshot?.();
  }

  #takeChange(message: WatchResponse): void {
    const wasSnapshotOpen = this.#isSnapshotOpen;
    if (message.deleted) for (const { id } of message.affiliates) this.#forget(id);
    else this.#takeAffiliates(message.affiliates);
    if (!wasSnapshotOpen) return;
    this.#endSnapshot(message);
    this.#options.observer.onSnapshot?.();
  }

  #takeAffiliates(affiliates: readonly ListedAffiliate[]): void {
    const { report } = this.#options;
    for (const [index, listed] of affiliates.entries()) {
      if (index === MAX_OPENED_AFFILIATES) {
        const count = affiliates.length - index;
        report({ reason: "affiliates_over_limit", nodeId: listed.id, count });
        return;
      }
      this.#take(listed);
    }
  }

  /**
   * What a client that starts now would know of `listed` is known afterwards, whatever was known
   * before.
   */
  #take(listed: ListedAffiliate): void {
    const { known, nodeId } = this.#options;
    const { id, data } = listed;
    if (id === nodeId) return;
    this.#unconfirmed.delete(id);
    // Without data there is nothing to know yet but endpoints that others report.
    const affiliate =
      data.length === 0 ? undefined : this.#opener.open(listed, known.items.get(id));
    if (affiliate === undefined) this.#forget(id);
    else if (known.set(id, affiliate)) this.#tell(id);
  }

  #forget(id: string): void {
    if (this.#options.known.delete(id)) this.#tell(id);
  }

  #tell(id: string): void {
    if (!this.#isSnapshotOpen) this.#options.observer.onChange?.(id);
  }

  /**
   * Ends the replacing of what was known, unless `message` may be followed by another part of a
   * split snapshot: an affiliate in a later part must not be seen leaving and coming back.
   */
  #endSnapshot(message: WatchResponse): void {
    if (mayGoOn(message)) return;
    for (const id of this.#unconfirmed) this.#forget(id);
    this.#unconfirmed.clear();
    this.#isSnapshotOpen = false;
  }
}

/** Whether a snapshot may go on after `message`, one of its parts. */
function mayGoOn(message: WatchResponse): boolean {
  return contentBytes(message) >= FULL_MESSAGE_BYTES;
}

/** The encoded size of a message, up to a few bytes for each affiliate. */
function contentBytes({ affiliates }: WatchResponse): number {
  let bytes = 0;
  for (const { id, data, endpoints } of affiliates) {
    bytes += 10 + id.length + data.length;
    for (const endpoint of endpoints) bytes += 2 + endpoint.length;
  }
  return bytes;
}
