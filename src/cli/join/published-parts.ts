/**
 * The parts of registries at which this machine is registered: each discovery service, and each other registry that takes
 * what is published.
 * @module
 */
import type { Discovery, DiscoveryRegistry } from "../../discovery/index.ts";
import type { DiscoveryError } from "../../errors.ts";
import type { RegistryPart } from "../../sources/discovery-registry.ts";

/** All parts of a discovery that take what is published, live. */
export function publishedParts({ registries }: Discovery): readonly RegistryPart[] {
  return registries
    .filter(({ publish }) => publish !== undefined)
    .flatMap((registry) => registry.parts ?? [wholePart(registry)]);
}

/** A registry of one part. Its failures are counted as they are seen: those that were there at a look at the count. */
function wholePart(registry: DiscoveryRegistry): RegistryPart {
  let lastError: DiscoveryError | undefined;
  let failureCount = 0;
  return {
    get name() {
      return registry.status.source;
    },
    get status() {
      return registry.status;
    },
    get failureCount() {
      const { status } = registry;
      if (status.lastError !== undefined && status.lastError !== lastError) failureCount++;
      lastError = status.lastError;
      return failureCount;
    },
    flush: async (options) => registry.flush?.(options),
  };
}
