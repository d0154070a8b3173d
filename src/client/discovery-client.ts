/**
 * A node's side of discovery: keeps it registered with a service, and knows the other nodes.
 * @see docs/protocol.md, "What a client does"
 * @module
 */

import { Backoff, MAX_BACKOFF_MS } from "../async/backoff.ts";
import { ChangeFeed } from "../async/change-feed.ts";
import { Lifecycle } from "../async/lifecycle.ts";
import { type SignalOptions, untilFirstEnds, Wakeup } from "../async/waits.ts";
import { DiscoveryError, isDiscoveryError } from "../errors.ts";
import type { AffiliateData } from "../protocol/affiliate.ts";
import type { AffiliateChange, DiscoveredAffiliate, DropReport } from "./affiliate-change.ts";
import type { ClientObserver } from "./client-observer.ts";
import {
  type DiscoveryClientOptions,
  type ResolvedClientOptions,
  resolveClientOptions,
} from "./client-options.ts";
import { type Connection, connect } from "./connection.ts";
import { Publisher } from "./publisher.ts";
import type { PublishOptions } from "./sealing.ts";
import type { ServiceUrl } from "./service-url.ts";
import { Watcher } from "./watcher.ts";

/** How many lines of log a connection may have about bad data. `onDrop` hears of all. */
const MAX_LOGGED_DROPS = 100;

/** Where a client stands. */
export interface ClientStatus {
  /**
   * - `stopped`: `run` is not running.
   * - `connecting`: on the way to the first message of a watch.
   * - `connected`: what is known follows the service.
   * - `waiting`: for the next attempt; see `lastError`.
   */
  readonly phase: "stopped" | "connecting" | "connected" | "waiting";
  /** Base URL of the service that is used or tried, after redirects. */
  readonly service: string;
  /** Of the last attempt that failed, until one works. */
  readonly lastError?: DiscoveryError | undefined;
}

/**
 * A node's side of discovery with one service.
 *
 * Set what to publish at any time; `run` does the rest until it is aborted. Failures never end it:
 * it starts over, with growing waits, and what was discovered stays available meanwhile. What
 * others send wrongly is left out and reported to `onDrop`; an affiliate whose new data does not
 * open is gone, as it is for a client that starts now.
 *
 * A connection that dies silently is noticed by the transport's pings, which gRPC has. Over `fetch`
 * there are none: there it is noticed at the next refresh, at half the TTL.
 *
 * @example
 * const client = new DiscoveryClient({ service, transport: grpcTransport, clusterId, clusterSecret, nodeId });
 * client.publish({ hostname: "a", addresses: ["10.0.0.1"] }, { endpoints: ["10.0.0.1:51820"] });
 * const running = client.run({ signal });
 * for await (const change of client.watch({ signal })) console.log(change);
 * await running;
 */
export class DiscoveryClient implements AsyncDisposable {
  readonly #options: ResolvedClientOptions;
  readonly #observer: ClientObserver;
  readonly #known: ChangeFeed<DiscoveredAffiliate> = new ChangeFeed();
  readonly #publisher: Publisher;
  readonly #watcher: Watcher;
  readonly #backoff: Backoff;
  readonly #life: Lifecycle = new Lifecycle("this client");
  readonly #settling: Wakeup = new Wakeup();
  #isSettled = false;
  #publicAddress: string | undefined;
  #status: ClientStatus;
  /** The one that is used or tried. */
  #service: ServiceUrl;
  /**
   * Where a redirect had led to before that connection broke. Tried once; then it is the configured
   * service again.
   */
  #redirected: ServiceUrl | undefined;
  /** On this connection. */
  #droppedCount = 0;
  #reconnectedAtMs: number = Number.NEGATIVE_INFINITY;

  /**
   * @throws {RangeError} for an ID or a TTL out of its range.
   * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID`, `ERR_SECRET_INVALID`.
   */
  constructor(options: DiscoveryClientOptions);
  /** @internal */
  constructor(options: DiscoveryClientOptions, observer: ClientObserver | undefined);
  constructor(options: DiscoveryClientOptions, observer: ClientObserver = {}) {
    this.#observer = observer;
    const resolved = resolveClientOptions(options);
    this.#options = resolved;
    this.#publisher = new Publisher(resolved);
    this.#watcher = new Watcher({
      ...resolved,
      known: this.#known,
      observer: { ...observer, onSnapshot: () => this.#afterSnapshot() },
      report: (drop) => this.#report(drop),
    });
    this.#backoff = new Backoff(resolved.random);
    this.#service = resolved.service;
    this.#status = { phase: "stopped", service: resolved.service.baseUrl };
  }

  /**
   * The others, by node ID, as last heard of. Live: changes while `run` runs, keeps what it has
   * when it does not.
   */
  get affiliates(): ReadonlyMap<string, DiscoveredAffiliate> {
    return this.#known.items;
  }

  /** Our IP address as the service sees it, in canonical text, where it tells. */
  get publicAddress(): string | undefined {
    return this.#publicAddress;
  }

  get status(): ClientStatus {
    return this.#status;
  }

  /**
   * Sets what is told about this node; `run` sends it at once and keeps it registered. The same
   * again does nothing. Endpoints that are left out are not taken back: the service forgets them
   * when their time is over.
   *
   * @param affiliate - Its `nodeId` is this client's, or absent.
   * @throws {TypeError} for another node's ID, or for ours or an empty one in `otherEndpoints`.
   * @throws {DiscoveryError} for text that is no address, prefix or endpoint, and for what a
   *   service would refuse: `ERR_AFFILIATE_DATA_TOO_BIG` (2048 bytes sealed),
   *   `ERR_TOO_MANY_ENDPOINTS` (64), `ERR_ENDPOINT_TOO_BIG`. Then nothing has changed.
   */
  publish(affiliate: AffiliateData, options: PublishOptions): void {
    this.#publisher.publish(affiliate, options);
  }

  /**
   * Deletes this node's affiliate from the service, at once and in place of each refresh, until the
   * next `publish`.
   */
  withdraw(): void {
    this.#publisher.withdraw();
  }

  /**
   * Resolves when the service has accepted the last `publish` or `withdraw` before this call, at
   * once where there was none. Waits for `run` where it is not running.
   *
   * @throws `signal.reason` when `signal` aborts.
   */
  async flush({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.during(signal, (own) => this.#publisher.flush(own));
  }

  /**
   * Follows the others: first a snapshot of all that is known, as soon as a service has sent one,
   * then each change. After a reconnect only what is different is a change. A slow reader gets the
   * latest state of each affiliate.
   *
   * @param options - `signal` ends the iteration, without an error. It does not end with `run`.
   */
  watch({ signal }: SignalOptions = {}): AsyncGenerator<AffiliateChange, void, undefined> {
    return this.#life.each(signal, (own) =>
      this.#known.watch<AffiliateChange>(
        {
          snapshot: () => ({ kind: "snapshot", affiliates: [...this.affiliates.values()] }),
          change: (nodeId, affiliate) =>
            affiliate === undefined ? { kind: "deleted", nodeId } : { kind: "updated", affiliate },
        },
        { signal: own },
      ),
    );
  }

  /**
   * Resolves when the service has sent a snapshot, or an attempt has failed: `affiliates` then has
   * what there is to know soon, and `status` says which it was. Waits for `run` if it is not
   * running.
   *
   * @throws `signal.reason` when `signal` aborts.
   * @example
   * const running = client.run({ signal });
   * await client.settled({ signal });
   * console.log([...client.affiliates.values()]);
   */
  async settled({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.during(signal, async (own) => {
      while (!this.#isSettled) await this.#settling.wait(own);
    });
  }

  /**
   * Publishes and discovers until `signal` aborts, and then resolves, with connections, streams and
   * timers gone. What was published is left to expire; for a node that leaves, `withdraw`, then
   * `flush`, then abort.
   *
   * @throws {TypeError} while it is running already, or after disposal.
   */
  async run({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.run(signal, (own) => this.#runUntilAborted(own));
  }

  /** Stops `run`, and ends every `watch`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life.dispose();
  }

  async #runUntilAborted(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let delayMs = 0;
      try {
        await this.#attempt(signal);
        delayMs = this.#afterCleanEnd();
      } catch (error) {
        if (!signal.aborted) delayMs = this.#afterFailure(error);
      }
      if (delayMs > 0) await this.#options.sleep(delayMs, signal).catch(() => {});
    }
    this.#setStatus({ phase: "stopped", service: this.#status.service });
  }

  /** One connection, from `Hello` to its end. Resolves when the service ends the watch in order. */
  async #attempt(signal: AbortSignal): Promise<void> {
    const from = this.#redirected ?? this.#options.service;
    // Tried once: unless it keeps us again, the next attempt is at the configured service.
    this.#redirected = undefined;
    const onService = (service: ServiceUrl) => {
      this.#service = service;
      this.#setStatus({ ...this.#status, phase: "connecting", service: service.baseUrl });
    };
    await connect(from, { ...this.#options, onService }, (c) => this.#exchange(c, signal), signal);
  }

  async #exchange({ client, publicAddress }: Connection, signal: AbortSignal): Promise<void> {
    this.#publicAddress = publicAddress ?? this.#publicAddress;
    this.#droppedCount = 0;
    await untilFirstEnds(
      [
        (own) => this.#watcher.run(client, own).finally(() => this.#observer.onDisconnect?.()),
        (own) => this.#publisher.run(client, () => this.#backoff.reset(), own),
      ],
      signal,
    );
  }

  /** Also after each further part of a snapshot. */
  #afterSnapshot(): void {
    if (this.#status.phase !== "connected") {
      const service = this.#service;
      this.#setStatus({ phase: "connected", service: service.baseUrl });
      if (service.baseUrl !== this.#options.service.baseUrl) this.#redirected = service;
      if (this.#publisher.isIdle) this.#backoff.reset();
      this.#options.log("info", "connected", { service: service.baseUrl });
    }
    this.#observer.onSnapshot?.();
    this.#settle();
  }

  #settle(): void {
    this.#isSettled = true;
    this.#settling.notify();
  }

  #setStatus(status: ClientStatus): void {
    this.#status = status;
    this.#observer.onStatus?.();
  }

  /**
   * A service that shuts down ends its watches in order, and another may stand in for it: reconnect
   * at once. One that does so all the time is treated as one that fails.
   */
  #afterCleanEnd(): number {
    const nowMs = this.#options.now();
    if (nowMs - this.#reconnectedAtMs < MAX_BACKOFF_MS) {
      return this.#afterFailure(
        new DiscoveryError("ERR_SERVICE_UNAVAILABLE", "the service ended the watch"),
      );
    }
    this.#reconnectedAtMs = nowMs;
    this.#options.log("info", "the service ended the watch", { service: this.#status.service });
    return 0;
  }

  #afterFailure(reason: unknown): number {
    const { service } = this.#status;
    const error = toDiscoveryError(reason, service);
    const delayMs = this.#backoff.next();
    this.#setStatus({ phase: "waiting", service, lastError: error });
    const fields = { service, code: error.code, error: error.message, delayMs };
    this.#options.log("warn", "discovery failed, starting over", fields);
    this.#options.onRetry(error, delayMs);
    this.#settle();
    return delayMs;
  }

  #report(drop: DropReport): void {
    // Others decide how much they send wrongly, and must not fill a log.
    this.#droppedCount++;
    if (this.#droppedCount <= MAX_LOGGED_DROPS) {
      this.#options.log("warn", "dropped bad data", { ...drop });
    } else if (this.#droppedCount === MAX_LOGGED_DROPS + 1) {
      this.#options.log("warn", "further bad data is not logged until the next connection", {});
    }
    this.#options.onDrop(drop);
  }
}

function toDiscoveryError(reason: unknown, service: string): DiscoveryError {
  if (isDiscoveryError(reason)) return reason;
  // The service decides how much it says.
  const text = (reason instanceof Error ? reason.message : String(reason)).slice(0, 300);
  return new DiscoveryError("ERR_SERVICE_UNAVAILABLE", `${service}: ${text}`, { cause: reason });
}
