/**
 * One of several services: its client, what it says to the merged list, and where it stands.
 * @module
 */
import { type Sleep, sleep } from "../../async/timers.ts";
import type { SignalOptions } from "../../async/waits.ts";
import type { DropReport } from "../../client/affiliate-change.ts";
import type { ClientLog, DiscoveryClientOptions } from "../../client/client-options.ts";
import { type ClientStatus, DiscoveryClient } from "../../client/discovery-client.ts";
import { parseServiceUrl } from "../../client/service-url.ts";
import type { DiscoveryError } from "../../errors.ts";
import { MAX_TTL_MS } from "../../protocol/limits.ts";
import type { RegistryPart, RegistryStatus } from "../discovery-registry.ts";
import type { ServiceShares } from "./service-shares.ts";

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
   * Resolves when this service has accepted the last `publish` or `withdraw` before this call, at
   * once where there was none.
   *
   * @throws `signal.reason` when `signal` aborts.
   */
  flush(options?: SignalOptions): Promise<void>;
}

/**
 * Options of each {@link ServicePart}: those of a `DiscoveryClient`, with reports that say of which
 * service they are.
 */
export interface ServicePartOptions
  extends Omit<DiscoveryClientOptions, "service" | "onDrop" | "onRetry"> {
  /** Told of bad data from others, which was left out. Must not throw. */
  readonly onDrop?: ((report: DropReport, service: ServiceState) => void) | undefined;
  /** Told of each failure, and when the next attempt begins. Must not throw. */
  readonly onRetry?:
    | ((error: DiscoveryError, delayMs: number, service: ServiceState) => void)
    | undefined;
}

/** Told by a {@link ServicePart}. */
export interface ServicePartObserver {
  /** The service has sent a snapshot, and it is merged. */
  readonly onSnapshot: () => void;
  /** The status of the service may be another. */
  readonly onStatus: () => void;
}

/** One service among others. */
export class ServicePart {
  readonly client: DiscoveryClient;
  /** For users. Live. */
  readonly state: ServiceState;
  /** As a part of a registry. Live. */
  readonly part: RegistryPart;
  readonly #number: number;
  readonly #observer: ServicePartObserver;
  readonly #sleep: Sleep;
  readonly #shares: ServiceShares;
  #failureCount = 0;
  /**
   * Aborts when `run` ends, or with a reconnect: the wait after which a lost service's list is
   * outdated.
   */
  #loss: AbortController | undefined;
  /** Of the run in progress. */
  #signal: AbortSignal | undefined;

  /**
   * @param shares - Of all services: the order in which they are made counts.
   * @throws {RangeError} for an ID or a TTL out of its range.
   * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID`, `ERR_SECRET_INVALID`.
   */
  constructor(
    { name, url }: Required<NamedService>,
    shares: ServiceShares,
    options: ServicePartOptions,
    observer: ServicePartObserver,
  ) {
    this.#observer = observer;
    this.#sleep = options.sleep ?? sleep;
    const { log, onDrop, onRetry } = options;
    const namedLog: ClientLog | undefined =
      log && ((level, message, fields) => log(level, message, { name, ...fields }));
    this.client = new DiscoveryClient(
      {
        ...options,
        service: url,
        log: namedLog,
        onDrop: onDrop && ((report) => onDrop(report, this.state)),
        onRetry: (error, delayMs) => {
          this.#failureCount++;
          this.#onLoss();
          onRetry?.(error, delayMs, this.state);
        },
      },
      {
        onSnapshot: () => this.#onSnapshot(),
        onChange: (nodeId) => this.#shares.change(this.#number, nodeId),
        onDisconnect: () => this.#onLoss(),
        onStatus: () => observer.onStatus(),
      },
    );
    this.#shares = shares;
    this.#number = shares.add(this.client.affiliates);
    this.state = stateOf(name, url, this.client, () => this.#failureCount);
    this.part = partOf(this.state);
  }

  /**
   * As `DiscoveryClient.run`. What the service lists counts until {@link ServiceShares.loseAll}.
   */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    // How long ago a former run ended is not known.
    this.#shares.outdate(this.#number);
    try {
      await this.client.run({ signal });
    } finally {
      this.#signal = undefined;
      this.#loss?.abort();
      this.#loss = undefined;
    }
  }

  #onSnapshot(): void {
    this.#loss?.abort();
    this.#loss = undefined;
    this.#shares.connect(this.#number);
    this.#observer.onSnapshot();
  }

  #onLoss(): void {
    // The end of a run loses all services at once: none of them may seem to be left alone.
    const isLost = this.#signal?.aborted === false && this.#shares.lose(this.#number);
    if (isLost) void this.#outdateLater();
    this.#observer.onStatus();
  }

  async #outdateLater(): Promise<void> {
    const reconnected = new AbortController();
    this.#loss = reconnected;
    try {
      await this.#sleep(MAX_TTL_MS, reconnected.signal);
      this.#shares.outdate(this.#number);
    } catch {
      // It is back, or nobody looks any more.
    }
  }
}

/** Plain data, so that a report of it may be copied and logged. */
function stateOf(
  name: string,
  url: string,
  client: DiscoveryClient,
  countFailures: () => number,
): ServiceState {
  return {
    name,
    url,
    get status() {
      return client.status;
    },
    get failureCount() {
      return countFailures();
    },
    get publicAddress() {
      return client.publicAddress;
    },
    flush: (options) => client.flush(options),
  };
}

function partOf(service: ServiceState): RegistryPart {
  return {
    name: service.url,
    get status(): RegistryStatus {
      const { service: source, ...status } = service.status;
      return { ...status, source };
    },
    get failureCount() {
      return service.failureCount;
    },
    get publicAddress() {
      return service.publicAddress;
    },
    flush: (options) => service.flush(options),
  };
}

/** Each service once, with its name and base URL. @throws {RangeError} if there is none. */
export function distinctServices(
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
