/**
 * A node's side of discovery with several services at once: registered with all of them, and discoverable as long as one
 * answers. One `DiscoveryClient` for each; what they hear is merged by {@link ServiceShares}.
 * @see docs/protocol.md, "What a client does", 6
 * @module
 */

import { Lifecycle } from "../../async/lifecycle.ts";
import { sleep } from "../../async/timers.ts";
import { linkedController, type SignalOptions, Wakeup } from "../../async/waits.ts";
import type { DropReport } from "../../client/affiliate-change.ts";
import type { ClientLog, DiscoveryClientOptions } from "../../client/client-options.ts";
import type { TransportFactory } from "../../client/connection.ts";
import { type ClientStatus, DiscoveryClient } from "../../client/discovery-client.ts";
import type { PublishOptions } from "../../client/sealing.ts";
import { parseServiceUrl } from "../../client/service-url.ts";
import { type WatchObserver, watchedTransport } from "../../client/watched-transport.ts";
import { mayGoOn } from "../../client/watcher.ts";
import type { DiscoveryError } from "../../errors.ts";
import type { AffiliateData } from "../../protocol/affiliate.ts";
import { MAX_TTL_MS } from "../../protocol/limits.ts";
import { type MergedList, ServiceShares } from "./service-shares.ts";

/** A service, and what to call it. */
export interface NamedService {
  /** For people. @default `host:port` */
  readonly name?: string | undefined;
  /** `https://host[:443]/`, `grpc://host[:443]` (TLS) or `http://host[:80]`. */
  readonly url: string;
}

/** One of several services, as it stands now. */
export interface ServiceState {
  readonly name: string;
  /** Base URL of the service as it was configured: nothing but scheme, host and port. */
  readonly url: string;
  readonly status: ClientStatus;
  /** How many attempts have failed so far, also such as nobody looked at in time. */
  readonly failureCount: number;
  /** Ours, as this service sees it, where it has told. */
  readonly publicAddress: string | undefined;
  /**
   * Resolves when this service has accepted the last `publish` or `withdraw` before this call, at once where there was
   * none.
   *
   * @throws `signal.reason` when `signal` aborts.
   */
  flush(options?: SignalOptions): Promise<void>;
}

/** Options of {@link ManyServices}: those of a `DiscoveryClient`, for several services. */
export interface ManyServicesOptions
  extends Omit<DiscoveryClientOptions, "service" | "onDrop" | "onRetry"> {
  /** At least one. A service that is named twice counts once. */
  readonly services: readonly (string | NamedService)[];
  /** Told of bad data from others, which was left out. Must not throw. */
  readonly onDrop?: ((report: DropReport, service: ServiceState) => void) | undefined;
  /** Told of each failure, and when the next attempt begins. Must not throw. */
  readonly onRetry?:
    | ((error: DiscoveryError, delayMs: number, service: ServiceState) => void)
    | undefined;
}

/** Who listens to {@link ManyServices}. */
export interface ManyServicesObserver extends MergedList {
  /** A service has sent a snapshot, and it is merged. */
  readonly onSnapshot: () => void;
  /** The status of a service may be another. */
  readonly onStatus: () => void;
}

export class ManyServices implements AsyncDisposable {
  readonly services: readonly ServiceState[];
  readonly #clients: readonly DiscoveryClient[];
  readonly #shares: ServiceShares;
  readonly #options: ManyServicesOptions;
  readonly #observer: ManyServicesObserver;
  readonly #life: Lifecycle = new Lifecycle("this registry");
  /** Aborts with `run`, or with a reconnect: the wait after which a lost service's list is outdated. */
  readonly #losses = new Map<number, AbortController>();
  readonly #settled = new Set<number>();
  readonly #failureCounts: number[] = [];
  /** The watch of each service that counts: the end of an older one may show late. */
  readonly #watches = new Map<number, WatchObserver>();
  readonly #progress: Wakeup = new Wakeup();
  #isRunning = false;

  /**
   * @throws {RangeError} for no service, and for an ID or a TTL out of its range.
   * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID`, `ERR_SECRET_INVALID`.
   */
  constructor(options: ManyServicesOptions, observer: ManyServicesObserver) {
    this.#options = options;
    this.#observer = observer;
    const services = distinctServices(options.services);
    this.#shares = new ServiceShares(services.length, observer);
    this.#clients = services.map((service, number) => this.#createClient(service, number));
    const failureCounts = this.#failureCounts;
    this.services = services.map(({ name, url }, number) => {
      const client = this.#client(number);
      return {
        name,
        url,
        get status() {
          return client.status;
        },
        get failureCount() {
          return failureCounts[number] ?? 0;
        },
        get publicAddress() {
          return client.publicAddress;
        },
        flush: (flushOptions) => client.flush(flushOptions),
      };
    });
  }

  /** As `DiscoveryClient.publish`, for all services or, where it throws, for none. */
  publish(affiliate: AffiliateData, options: PublishOptions): void {
    for (const client of this.#clients) client.publish(affiliate, options);
  }

  /** Deletes this node's affiliate from every service, from one that is away when it comes back. */
  withdraw(): void {
    for (const client of this.#clients) client.withdraw();
  }

  /**
   * Resolves when the last `publish` or `withdraw` before this call has been accepted by at least one service, and by every
   * one but those that fail: such a one is told when it comes back. To wait for a certain service, `flush` that one.
   *
   * @throws `signal.reason` when `signal` aborts.
   */
  async flush({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.during(signal, (own) => this.#flushUntilAborted(own));
  }

  /**
   * Resolves when every service has sent a snapshot or failed once: what is known then is all that there is to know soon.
   * Waits for `run` where it is not running.
   *
   * @throws `signal.reason` when `signal` aborts.
   */
  async settled({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.during(signal, async (own) => {
      while (this.#settled.size < this.#clients.length) await this.#progress.wait(own);
    });
  }

  /**
   * Publishes to all and discovers from all until `signal` aborts.
   *
   * @throws {TypeError} as `DiscoveryClient.run`.
   */
  async run({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.run(signal, (own) => this.#runUntilAborted(own));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life.dispose();
    await Promise.all(this.#clients.map((client) => client[Symbol.asyncDispose]()));
  }

  async #flushUntilAborted(signal: AbortSignal): Promise<void> {
    const { controller, unlink } = linkedController(signal);
    const accepted = new Set<number>();
    const waits = this.#clients.map(async (client, number) => {
      await client.flush({ signal: controller.signal }).catch(() => {});
      if (controller.signal.aborted) return;
      accepted.add(number);
      this.#progress.notify();
    });
    const isWaitedFor = ({ status }: DiscoveryClient, number: number) =>
      !accepted.has(number) && status.lastError === undefined;
    try {
      while (accepted.size === 0 || this.#clients.some(isWaitedFor)) {
        await this.#progress.wait(controller.signal);
      }
    } finally {
      controller.abort();
      unlink();
      await Promise.all(waits);
    }
  }

  async #runUntilAborted(signal: AbortSignal): Promise<void> {
    this.#isRunning = true;
    // How long ago a former run ended is not known.
    for (const number of this.#clients.keys()) this.#shares.outdate(number);
    try {
      await Promise.all(this.#clients.map((client) => client.run({ signal })));
    } finally {
      this.#isRunning = false;
      for (const number of this.#clients.keys()) this.#onLoss(number);
      for (const loss of this.#losses.values()) loss.abort();
      this.#losses.clear();
    }
  }

  #createClient({ name, url }: Required<NamedService>, number: number): DiscoveryClient {
    const { transport, log, onDrop, onRetry } = this.#options;
    const state = () => this.services[number] as ServiceState;
    const watched: TransportFactory = (baseUrl, options) => {
      // An attempt begins here, also after a watch that ended in order.
      this.#onStatus();
      return watchedTransport(transport(baseUrl, options), () => this.#observe(number));
    };
    const namedLog: ClientLog | undefined =
      log && ((level, message, fields) => log(level, message, { name, ...fields }));
    return new DiscoveryClient({
      ...this.#options,
      service: url,
      transport: watched,
      log: namedLog,
      onDrop: onDrop && ((report) => onDrop(report, state())),
      onRetry: (error, delayMs) => {
        this.#settled.add(number);
        this.#failureCounts[number] = (this.#failureCounts[number] ?? 0) + 1;
        this.#onLoss(number);
        onRetry?.(error, delayMs, state());
      },
    });
  }

  #observe(number: number): WatchObserver {
    const { affiliates } = this.#client(number);
    let isSnapshot = true;
    const watch: WatchObserver = {
      onRead: (message) => {
        if (this.#watches.get(number) !== watch) return;
        if (isSnapshot) this.#onSnapshot(number);
        else {
          for (const { id } of message.affiliates) {
            this.#shares.change(number, id, affiliates.get(id));
          }
        }
        isSnapshot &&= mayGoOn(message);
      },
      onEnd: () => {
        if (this.#watches.get(number) === watch) this.#onLoss(number);
      },
    };
    this.#watches.set(number, watch);
    return watch;
  }

  #onSnapshot(number: number): void {
    this.#losses.get(number)?.abort();
    this.#losses.delete(number);
    this.#settled.add(number);
    this.#shares.connect(number, this.#client(number).affiliates);
    this.#observer.onSnapshot();
    this.#onStatus();
  }

  #onLoss(number: number): void {
    this.#watches.delete(number);
    if (this.#shares.lose(number) && this.#isRunning) void this.#outdateLater(number);
    this.#onStatus();
  }

  async #outdateLater(number: number): Promise<void> {
    const reconnected = new AbortController();
    this.#losses.set(number, reconnected);
    try {
      await (this.#options.sleep ?? sleep)(MAX_TTL_MS, reconnected.signal);
      this.#shares.outdate(number);
    } catch {
      // It is back, or nobody looks any more.
    }
  }

  #onStatus(): void {
    this.#progress.notify();
    this.#observer.onStatus();
  }

  #client(number: number): DiscoveryClient {
    return this.#clients[number] as DiscoveryClient;
  }
}

/** Each service once, with its name and base URL. */
function distinctServices(
  services: readonly (string | NamedService)[],
): readonly Required<NamedService>[] {
  const distinct = new Map<string, Required<NamedService>>();
  for (const service of services) {
    const { name, url } = typeof service === "string" ? { url: service } : service;
    const { baseUrl, host, port } = parseServiceUrl(url);
    if (!distinct.has(baseUrl)) {
      distinct.set(baseUrl, { name: name ?? `${host}:${port}`, url: baseUrl });
    }
  }
  if (distinct.size === 0) throw new RangeError("services: there is none");
  return [...distinct.values()];
}
