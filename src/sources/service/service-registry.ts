/**
 * Discovery services as a registry: one or several, of which any one is enough.
 * @see docs/protocol.md, "What a client does", 2 and 6
 * @module
 */

import { Lifecycle } from "../../async/lifecycle.ts";
import type { SignalOptions } from "../../async/waits.ts";
import type { AffiliateData } from "../../protocol/affiliate.ts";
import {
  type AffiliateSpec,
  createAffiliateSpec,
  type KubeSpanAffiliateSpec,
  type LocalAffiliate,
} from "../../resources/affiliate.ts";
import type { DiscoveryRegistry, RegistryChange, RegistryStatus } from "../discovery-registry.ts";
import { RegistryFeed } from "../registry-feed.ts";
import { ManyServices, type ManyServicesOptions, type ServiceState } from "./many-services.ts";

export type { NamedService, ServiceState } from "./many-services.ts";

/** Options of {@link ServiceRegistry}. */
export interface ServiceRegistryOptions extends ManyServicesOptions {}

/**
 * Registers with all services, and knows everybody whom any of them lists.
 *
 * An affiliate's data comes from the service that changed it last, as seen from here; its endpoints are those that any
 * service has. It is gone when no service that is connected lists it; while none is connected, what is known stays. A
 * service that comes back with what it had changes nothing, and with older data it changes nothing either where another has
 * newer. What a service said before it was lost counts, for affiliates that others still list, until it comes back, or for
 * 30 minutes, after which nothing of it can be alive.
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
  readonly #feed: RegistryFeed;
  readonly #many: ManyServices;
  readonly #life: Lifecycle = new Lifecycle("this registry");

  /**
   * @throws {RangeError} for no service, and for an ID or a TTL out of its range.
   * @throws {DiscoveryError} `ERR_SERVICE_URL_INVALID`, `ERR_SECRET_INVALID`.
   */
  constructor(options: ServiceRegistryOptions) {
    this.#many = new ManyServices(options, {
      set: (affiliate) => this.#feed.set(createAffiliateSpec(affiliate)),
      delete: (nodeId) => this.#feed.delete(nodeId),
      onSnapshot: () => this.#feed.replace([...this.#feed.affiliates.values()]),
      onStatus: () => this.#feed.setStatus(statusOf(this.services)),
    });
    this.#feed = new RegistryFeed(statusOf(this.services));
  }

  /** Each service, in the order of the options. Live. */
  get services(): readonly ServiceState[] {
    return this.#many.services;
  }

  /**
   * Of all services together: `connected` when any is, else `connecting`, else `waiting`. `source` names all; `lastError` is
   * that of the first, when every one has failed. Each one's own is in `services`.
   */
  get status(): RegistryStatus {
    return this.#feed.status;
  }

  get affiliates(): ReadonlyMap<string, AffiliateSpec> {
    return this.#feed.affiliates;
  }

  /** Our IP address as a service sees it, in canonical text; of the first that tells, connected ones before others. */
  get publicAddress(): string | undefined {
    const telling = this.services.filter(({ publicAddress }) => publicAddress !== undefined);
    const connected = telling.find(({ status }) => status.phase === "connected");
    return (connected ?? telling[0])?.publicAddress;
  }

  /**
   * Sets what is told about this node. The same again does nothing.
   *
   * @throws {TypeError} for another node's ID, or for ours or an empty one in `otherEndpoints`.
   * @throws {DiscoveryError} as `DiscoveryClient.publish`, for what does not parse and what a service would refuse. Then
   * nothing has changed.
   */
  publish({ affiliate, otherEndpoints }: LocalAffiliate): void {
    const endpoints = affiliate.kubespan?.endpoints ?? [];
    this.#many.publish(affiliateDataOf(affiliate), { endpoints, otherEndpoints });
  }

  withdraw(): void {
    this.#many.withdraw();
  }

  /**
   * Resolves when the last `publish` or `withdraw` before this call has been accepted by at least one service, and by every
   * one but those that fail: such a one is told when it comes back. `services[i].flush` waits for a certain one.
   *
   * @throws `signal.reason` when `signal` aborts.
   */
  flush(options?: SignalOptions): Promise<void> {
    return this.#many.flush(options);
  }

  /**
   * Resolves when every service has sent a snapshot or failed once. Waits for `run` where it is not running.
   *
   * @throws `signal.reason` when `signal` aborts.
   */
  settled(options?: SignalOptions): Promise<void> {
    return this.#many.settled(options);
  }

  watch({ signal }: SignalOptions = {}): AsyncGenerator<RegistryChange, void, undefined> {
    return this.#life.each(signal, (own) => this.#feed.watch({ signal: own }));
  }

  async run(options?: SignalOptions): Promise<void> {
    await this.#many.run(options);
  }

  /** Stops `run`, and ends every `watch`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life.dispose();
    await this.#many[Symbol.asyncDispose]();
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
