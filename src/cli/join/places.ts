/**
 * The places where this machine is registered: each discovery service, and each other registry that takes it.
 * @module
 */
import type { Discovery } from "../../discovery/index.ts";
import { ServiceRegistry } from "../../discovery/service-registry.ts";

/** One place. */
export interface Place {
  /** For people: a URL, or what another registry calls its source. */
  readonly name: string;
  /** Whether it cannot be reached at the moment. */
  readonly isFailing: boolean;
  readonly isConnected: boolean;
  /** Ours, as it sees it, where it tells. */
  readonly publicAddress: string | undefined;
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
        get isFailing() {
          return service.status.lastError !== undefined;
        },
        get isConnected() {
          return service.status.phase === "connected";
        },
        get publicAddress() {
          return service.publicAddress;
        },
        flush: (signal) => service.flush({ signal }),
      }));
    }
    if (registry.publish === undefined) return [];
    return [
      {
        get name() {
          return registry.status.source;
        },
        get isFailing() {
          return registry.status.lastError !== undefined;
        },
        get isConnected() {
          return registry.status.phase === "connected";
        },
        publicAddress: undefined,
        flush: async (signal) => registry.flush?.({ signal }),
      },
    ];
  });
}
