/**
 * Discovery services as a registry: one or several, of which any one is enough.
 * @see docs/protocol.md, "What a client does", 2 and 6
 * @module
 */

import { Lifecycle } from "../../async/lifecycle.ts";
import { linkedController, type SignalOptions, Wakeup } from "../../async/waits.ts";
import type { AffiliateData } from "../../protocol/affiliate.ts";
import {
  type AffiliateSpec,
  createAffiliateSpec,
  type KubeSpanAffiliateSpec,
  type LocalAffiliate,
} from "../../resources/affiliate.ts";
import type {
  DiscoveryRegistry,
  RegistryChange,
  RegistryPart,
  RegistryStatus,
} from "../discovery-registry.ts";
import { RegistryFeed } from "../registry-feed.ts";
import {
  distinctServices,
  type NamedService,
  ServicePart,
  type ServicePartOptions,
  type ServiceState,
} from "./service-part.ts";
import { ServiceShares } from "./service-shares.ts";

export type { NamedService, ServiceState } from "./service-part.ts";

/** Options of {@link ServiceRegistry}: those of a `DiscoveryClient`, for several services. */
export interface ServiceRegistryOptions extends ServicePartOptions {
  /** At least one. A service that is named twice counts once. */
  readonly services: readonly (string | NamedService)[];
}

/**
 * Registers with all services, and knows everybody whom any of them lists.
 *
 * An affiliate's data comes from the service that changed it last, as seen from here; its endpoints
 * are those that any service has. It is gone when no service that is connected lists it; while none
 * is connected, what is known stays. A service that comes back with what it had changes nothing,
 * and with older data it changes nothing either where another has newer. What a service said before
 * it was lost counts, for affiliates that others still list, until it comes back, or for 30
 * minutes, after which nothing of it can be alive.
 *
 * @example
 * const registry = new ServiceRegistry({
 *   services: ["https://discovery.example/", "https://discovery.talos.dev/"],
 *   transport: grpcTransport, clusterId, clusterSecret, nodeId,
 * });
 * await registry.run({ signal });
 */
export class ServiceRegistry implements DiscoveryRegistry, AsyncDisposable {
  readonly name = "service";
  /** Each service, in the order of the options. Live. */
  readonly services: readonly ServiceState[];
  readonly parts: readonly RegistryPart[];
  readonly #feed: RegistryFeed;
  readonly #shares: ServiceShares;
  readonly #services: readonly ServicePart[];
  readonly #life: Lifecycle = new Lifecycle("this registry");
  readonly #progress: Wakeup = new Wakeup();

  /**
   * @throws {RangeError} for no service, and for an ID or a TTL out of its range.
   * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID`, `ERR_SECRET_INVALID`.
   */
  constructor(options: ServiceRegistryOptions) {
    const observer = {
      onSnapshot: () => this.#feed.start(),
      onStatus: () => {
        this.#feed.setStatus(statusOf(this.services));
        this.#progress.notify();
      },
    };
    this.#shares = new ServiceShares({
      set: (affiliate) => this.#feed.set(createAffiliateSpec(affiliate)),
      delete: (nodeId) => this.#feed.delete(nodeId),
    });
    this.#services = distinctServices(options.services).map(
      (service) => new ServicePart(service, this.#shares, options, observer),
    );
    this.services = this.#services.map(({ state }) => state);
    this.parts = this.#services.map(({ part }) => part);
    this.#feed = new RegistryFeed(statusOf(this.services));
  }

  /**
   * Of all services together: `connected` when any is, else `connecting`, else `waiting`. `source`
   * names all; `lastError` is that of the first, when every one has failed. Each one's own is in
   * `services`.
   */
  get status(): RegistryStatus {
    return this.#feed.status;
  }

  get affiliates(): ReadonlyMap<string, AffiliateSpec> {
    return this.#feed.affiliates;
  }

  /**
   * Our IP address as a service sees it, in canonical text; of the first that tells, connected ones
   * before others.
   */
  get publicAddress(): string | undefined {
    const telling = this.services.filter(({ publicAddress }) => publicAddress !== undefined);
    const connected = telling.find(({ status }) => status.phase === "connected");
    return (connected ?? telling[0])?.publicAddress;
  }

  /**
   * Sets what is told about this node. The same again does nothing.
   *
   * @throws {TypeError} for another node's ID, or for ours or an empty one in `otherEndpoints`.
   * @throws {DiscoveryError} as `DiscoveryClient.publish`, for what does not parse and what a
   *   service would refuse. Then nothing has changed.
   */
  publish({ affiliate, otherEndpoints }: LocalAffiliate): void {
    const endpoints = affiliate.kubespan?.endpoints ?? [];
    const data = affiliateDataOf(affiliate);
    // One that refuses does so for what is published, as all do: the first throws before anything
    // has changed.
    for (const { client } of this.#services) client.publish(data, { endpoints, otherEndpoints });
  }

  /** Deletes this node's affiliate from every service, from one that is away when it comes back. */
  withdraw(): void {
    for (const { client } of this.#services) client.withdraw();
  }

  /**
   * Resolves when the last `publish` or `withdraw` before this call has been accepted by at least
   * one service, and by every one but those that fail: such a one is told when it comes back.
   * `services[i].flush` waits for a certain one.
   *
   * @throws `signal.reason` when `signal` aborts.
   */
  async flush({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.during(signal, (own) => this.#flushUntilAborted(own));
  }

  /**
   * Resolves when every service has sent a snapshot or failed once. Waits for `run` where it is not
   * running.
   *
   * @throws `signal.reason` when `signal` aborts.
   */
  async settled({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.during(signal, async (own) => {
      await Promise.all(this.#services.map(({ client }) => client.settled({ signal: own })));
    });
  }

  watch({ signal }: SignalOptions = {}): AsyncGenerator<RegistryChange, void, undefined> {
    return this.#life.each(signal, (own) => this.#feed.watch({ signal: own }));
  }

  /**
   * Publishes to all and discovers from all until `signal` aborts.
   *
   * @throws {TypeError} while it is running already, or after disposal.
   */
  async run({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.run(signal, async (own) => {
      try {
        await Promise.all(this.#services.map((service) => service.run(own)));
      } finally {
        this.#shares.loseAll();
      }
    });
  }

  /** Stops `run`, and ends every `watch`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life.dispose();
    await Promise.all(this.#services.map(({ client }) => client[Symbol.asyncDispose]()));
  }

  async #flushUntilAborted(signal: AbortSignal): Promise<void> {
    const { controller, unlink } = linkedController(signal);
    const accepted = new Set<ServicePart>();
    const waits = this.#services.map(async (service) => {
      await service.client.flush({ signal: controller.signal }).catch(() => {});
      if (controller.signal.aborted) return;
      accepted.add(service);
      this.#progress.notify();
    });
    const isWaitedFor = (service: ServicePart) =>
      !accepted.has(service) && service.client.status.lastError === undefined;
    try {
      while (accepted.size === 0 || this.#services.some(isWaitedFor)) {
        await this.#progress.wait(controller.signal);
      }
    } finally {
      controller.abort();
      unlink();
      await Promise.all(waits);
    }
  }
}

function statusOf(services: readonly ServiceState[]): RegistryStatus {
  const source = services.map(({ url }) => url).join(", ");
  const statuses = services.map(({ status }) => status);
  const phase =
    (["connected", "connecting", "waiting"] as const).find((wanted) =>
      statuses.some((status) => status.phase === wanted),
    ) ?? "stopped";
  // While one may still answer for the first time, nothing has failed as a whole.
  const hasFailed = statuses.every(({ lastError }) => lastError !== undefined);
  return hasFailed ? { phase, source, lastError: statuses[0]?.lastError } : { phase, source };
}

/** What is told about a node: its endpoints stand beside it. */
function affiliateDataOf({ kubespan, ...spec }: AffiliateSpec): AffiliateData {
  return kubespan === undefined || isOnlyEndpoints(kubespan)
    ? spec
    : {
        ...spec,
        kubespan: {
          publicKey: kubespan.publicKey,
          address: kubespan.address,
          additionalAddresses: kubespan.additionalAddresses,
          excludeAdvertisedNetworks: kubespan.excludeAdvertisedNetworks,
        },
      };
}

function isOnlyEndpoints(kubespan: KubeSpanAffiliateSpec): boolean {
  const { publicKey, address, additionalAddresses, excludeAdvertisedNetworks } = kubespan;
  return (
    publicKey === "" &&
    address === "" &&
    additionalAddresses.length === 0 &&
    excludeAdvertisedNetworks.length === 0
  );
}
