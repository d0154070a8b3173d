/**
 * The places where this machine is registered: each discovery service, and each other registry that takes it.
 * @module
 */
import type { Discovery, DiscoveryRegistry } from "../../discovery/index.ts";
import type { DiscoveryError } from "../../errors.ts";
import { ServiceRegistry } from "../../sources/service/service-registry.ts";

/** One place. */
export interface Place {
  /** For people: a URL, or what another registry calls its source. */
  readonly name: string;
  readonly isConnected: boolean;
  /** Ours, as it sees it, where it tells. */
  readonly publicAddress: string | undefined;
  /** How many failures were seen so far; a service's own count, and of others those that were there at such a call. */
  countFailures(): number;
  /** Resolves when it has accepted what was published or withdrawn last. @throws `signal.reason` */
  flush(signal: AbortSignal): Promise<void>;
}

/** All places of a discovery, live. */
export function placesOf({ registries }: Discovery): readonly Place[] {
  return registries.flatMap((registry): Place[] => {
    if (registry instanceof ServiceRegistry) {
      return registry.services.map((service) => ({
        get name() {
          return service.status.service;
        },
        get isConnected() {
          return service.status.phase === "connected";
        },
        get publicAddress() {
          return service.publicAddress;
        },
        countFailures: () => service.failureCount,
        flush: (signal) => service.flush({ signal }),
      }));
    }
    return registry.publish === undefined ? [] : [otherPlace(registry)];
  });
}

function otherPlace(registry: DiscoveryRegistry): Place {
  let lastError: DiscoveryError | undefined;
  let failureCount = 0;
  return {
    get name() {
      return registry.status.source;
    },
    get isConnected() {
      return registry.status.phase === "connected";
    },
    publicAddress: undefined,
    countFailures() {
      const { status } = registry;
      if (status.lastError !== undefined && status.lastError !== lastError) failureCount++;
      lastError = status.lastError;
      return failureCount;
    },
    flush: async (signal) => registry.flush?.({ signal }),
  };
}
