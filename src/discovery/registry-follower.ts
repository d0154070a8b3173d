/**
 * Runs one registry and reads what it tells; whatever it does wrong stays with it, is reported, and
 * is tried again.
 * @module
 */

import { Backoff } from "../async/backoff.ts";
import type { Sleep } from "../async/timers.ts";
import { unlessAborted, untilFirstEnds } from "../async/waits.ts";
import { DiscoveryError } from "../errors.ts";
import type { AffiliateSpec } from "../resources/affiliate.ts";
import type { DiscoveryRegistry, RegistryStatus } from "../sources/discovery-registry.ts";
import {
  readAffiliate,
  readArray,
  readObject,
  readStatus,
  readText,
} from "../sources/registry-answer.ts";

/** Takes what a registry tells. */
export interface RegistrySink {
  snapshot(affiliates: readonly AffiliateSpec[]): void;
  updated(affiliate: AffiliateSpec): void;
  deleted(nodeId: string): void;
  /** The same may be told again. */
  status(status: RegistryStatus): void;
}

export interface FollowOptions {
  readonly random: () => number;
  readonly sleep: Sleep;
}

/** Follows until `signal` aborts, and then resolves when the registry's `run` has. */
export async function followRegistry(
  registry: DiscoveryRegistry,
  sink: RegistrySink,
  { random, sleep }: FollowOptions,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff(random);
  while (!signal.aborted) {
    try {
      await untilFirstEnds(
        [
          async (own) => {
            await registry.run({ signal: own });
            if (!own.aborted) throw new TypeError("run ended by itself");
          },
          (own) => readChanges(registry, sink, () => backoff.reset(), own),
        ],
        signal,
      );
    } catch (error) {
      if (signal.aborted) break;
      sink.status({ ...statusOf(registry), phase: "waiting", lastError: failure(registry, error) });
      await sleep(backoff.next(), signal).catch(() => {});
    }
  }
  const { source } = statusOf(registry);
  sink.status({ phase: "stopped", source });
}

/** What the registry says of itself, also where it says nonsense. */
export function statusOf(registry: DiscoveryRegistry): RegistryStatus {
  try {
    return readStatus(registry.status);
  } catch (error) {
    return { phase: "waiting", source: registry.name, lastError: failure(registry, error) };
  }
}

/** What the registry knows now, but for what is no affiliate: its watch reports that. */
export function affiliatesOf(registry: DiscoveryRegistry): AffiliateSpec[] {
  return readable([...registry.affiliates.values()], []);
}

async function readChanges(
  registry: DiscoveryRegistry,
  sink: RegistrySink,
  onSnapshot: () => void,
  signal: AbortSignal,
): Promise<void> {
  const changes = registry.watch({ signal })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await unlessAborted(changes.next(), signal);
      if (done) break;
      const { kind, ...change } = readObject(value, "a change");
      const problems: unknown[] = [];
      if (kind === "status") sink.status(readStatus(change.status));
      else if (kind === "deleted") sink.deleted(readText(change.nodeId, "nodeId"));
      else if (kind === "updated") {
        for (const affiliate of readable([change.affiliate], problems)) sink.updated(affiliate);
      } else if (kind === "snapshot") {
        const affiliates = readArray(change.affiliates, "affiliates");
        sink.snapshot(readable(affiliates, problems));
        sink.status(statusOf(registry));
        onSnapshot();
      } else throw new TypeError("a change is of no known kind");
      if (problems.length > 0) {
        // The rest goes on: the registry stands where it says it stands.
        sink.status({ ...statusOf(registry), lastError: failure(registry, problems[0]) });
      }
    }
    if (!signal.aborted) throw new TypeError("watch ended by itself");
  } finally {
    // Not waited for: a registry that does not listen to its signal might never answer.
    void Promise.resolve(changes.return?.()).catch(() => {});
  }
}

/** Those that are affiliates; what is wrong with the others goes to `problems`. */
function readable(affiliates: readonly unknown[], problems: unknown[]): AffiliateSpec[] {
  return affiliates.flatMap((affiliate) => {
    try {
      return [readAffiliate(affiliate)];
    } catch (error) {
      problems.push(error);
      return [];
    }
  });
}

function failure({ name }: DiscoveryRegistry, cause: unknown): DiscoveryError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new DiscoveryError("ERR_REGISTRY_FAILED", `registry ${name}: ${text}`, { cause });
}
