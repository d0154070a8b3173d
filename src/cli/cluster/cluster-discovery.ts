/**
 * A cluster through all registries that flags name: read once, followed, or joined.
 * @module
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { linkedController } from "../../async/waits.ts";
import { Discovery, type DiscoveryChange, type DiscoveryState } from "../../discovery/index.ts";
import {
  AFFILIATES,
  MEMBERS,
  RAW_AFFILIATES,
  type Resource,
  type ResourceDefinition,
  ResourceView,
} from "../../resources/index.ts";
import type { RegistryPart } from "../../sources/discovery-registry.ts";
import { CommandFailure } from "../exit.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { type OpenRegistriesOptions, openRegistries } from "./cluster-registries.ts";
import { DropSummary, describeFailure, FailureNotices } from "./notices.ts";

/** Options of {@link createClusterDiscovery}. */
export interface ClusterDiscoveryOptions
  extends Pick<OpenRegistriesOptions, "nodeId" | "nodeName" | "ttlMs"> {
  /** Told what a user should know, in one line each: what failed, and what was left out. */
  readonly onNotice: (line: string) => void;
}

/** Options of {@link watchCluster}. */
export interface WatchClusterOptions {
  readonly signal: AbortSignal;
  /** As {@link ClusterDiscoveryOptions.onNotice}. */
  readonly onNotice: (line: string) => void;
}

/** Options of {@link readClusterOnce}. */
export interface ReadClusterOptions extends WatchClusterOptions {
  /** How long to wait for registries that do not answer. */
  readonly timeoutMs: number;
}

/** Makes discovery over all registries of a cluster, not running yet. */
export function createClusterDiscovery(
  access: ClusterAccess,
  options: ClusterDiscoveryOptions,
): Promise<Discovery> {
  const drops = new DropSummary();
  const { onNotice } = options;
  return open(access, {
    ...options,
    onDrop: (report) => drops.add(report, onNotice),
    onRetry: tellRetry(onNotice),
  });
}

/** A discovery that runs, over all registries of a cluster. */
export interface RunningCluster {
  readonly discovery: Discovery;
  /** What services list and cannot be used, so far. */
  readonly drops: DropSummary;
  /** From now on, each further drop is a notice. */
  tellDrops(): void;
}

/** Options of {@link runCluster}. */
interface RunClusterOptions extends Pick<WatchClusterOptions, "onNotice"> {
  /** @default a notice for each failure */
  readonly onRetry?: OpenRegistriesOptions["onRetry"];
}

/**
 * Runs discovery over all registries of a cluster as long as what `read` gives is read; leaving the
 * loop frees everything.
 */
export async function* runCluster<T>(
  access: ClusterAccess,
  { onNotice, onRetry = tellRetry(onNotice) }: RunClusterOptions,
  read: (cluster: RunningCluster) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const drops = new DropSummary();
  let tellsDrops = false;
  const discovery = await open(access, {
    onNotice,
    onDrop: (report) => drops.add(report, tellsDrops ? onNotice : undefined),
    onRetry,
  });
  const running = discovery.run();
  try {
    yield* read({
      discovery,
      drops,
      tellDrops() {
        tellsDrops = true;
      },
    });
  } finally {
    await discovery[Symbol.asyncDispose]();
    await running;
  }
}

/**
 * Asks every registry once. The first failure of a registry is final: whoever asks once wants an
 * answer, not patience. What the others know counts; those that failed are notices.
 *
 * @throws {CommandFailure} when no registry has answered, not within `timeoutMs` either, and when
 *   nothing could be opened.
 */
export async function readClusterOnce(
  access: ClusterAccess,
  { signal, timeoutMs, onNotice }: ReadClusterOptions,
): Promise<DiscoveryState> {
  const looks = runCluster(
    access,
    { onNotice, onRetry: () => {} },
    async function* ({ discovery, drops }) {
      await settled(discovery, timeoutMs, signal);
      if (signal.aborted) throw new CommandFailure("interrupted");
      const { answers, failures } = examine(discovery, timeoutMs);
      if (answers === 0) throw new CommandFailure(failures.join("; ") + adviceFor(access));
      for (const failure of failures) onNotice(failure);
      const state = atFirstSight(discovery.state);
      const dropped = drops.summary(state.affiliates.size);
      if (dropped !== undefined && state.affiliates.size === 0) throw new CommandFailure(dropped);
      tell(dropped, onNotice);
      yield state;
    },
  );
  for await (const state of looks) return state;
  throw new TypeError("a look gives a state, or fails");
}

/** Follows a cluster until `signal` aborts or the loop is left; both free everything. */
export function watchCluster(
  access: ClusterAccess,
  { signal, onNotice }: WatchClusterOptions,
): AsyncGenerator<DiscoveryChange, void, undefined> {
  return runCluster(access, { onNotice }, async function* (cluster) {
    for await (const change of cluster.discovery.watch({ signal })) {
      yield change;
      // Changes that come one after the other leave no turn to a signal.
      await nextTurn();
      if (change.kind !== "snapshot") continue;
      cluster.tellDrops();
      tell(cluster.drops.summary(change.state.affiliates.size), onNotice);
    }
  });
}

async function open(access: ClusterAccess, options: OpenRegistriesOptions): Promise<Discovery> {
  return new Discovery({
    registries: await openRegistries(access, options),
    nodeId: options.nodeId,
  });
}

/**
 * Waits for every registry and each single service, at most `timeoutMs`; an abort of `signal` ends
 * the wait, and is no error.
 */
export async function settled(
  discovery: Discovery,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { controller, unlink } = linkedController(signal, AbortSignal.timeout(timeoutMs));
  try {
    await discovery.settled({ signal: controller.signal });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  } finally {
    unlink();
  }
}

/**
 * Everything as of version 1: who looks once has seen no change, whichever registry answered first.
 */
function atFirstSight({ affiliates, rawAffiliates, members }: DiscoveryState): DiscoveryState {
  return {
    affiliates: seenFirst(AFFILIATES, affiliates),
    rawAffiliates: seenFirst(RAW_AFFILIATES, rawAffiliates),
    members: seenFirst(MEMBERS, members),
  };
}

function seenFirst<Spec extends object>(
  definition: ResourceDefinition<Spec>,
  resources: ReadonlyMap<string, Resource<Spec>>,
): ReadonlyMap<string, Resource<Spec>> {
  const view = new ResourceView(definition);
  view.replace(new Map(Array.from(resources, ([id, { spec }]) => [id, spec])));
  return view.resources;
}

/** Who has answered, and why the others have not. */
function examine(
  { registries }: Discovery,
  timeoutMs: number,
): { readonly answers: number; readonly failures: readonly string[] } {
  const parts = registries.flatMap(
    (registry): readonly Pick<RegistryPart, "name" | "status">[] =>
      registry.parts ?? [{ name: registry.status.source, status: registry.status }],
  );
  const silent = parts.filter(({ status }) => status.phase !== "connected");
  const failures = silent.map(({ name, status: { lastError } }) =>
    lastError === undefined
      ? `${name}: no answer within ${timeoutMs / 1000} s`
      : describeFailure(lastError),
  );
  return { answers: parts.length - silent.length, failures };
}

/** What to do where nobody has answered. */
function adviceFor({ services }: ClusterAccess): string {
  return services.length === 0 ? "" : "; talos-discovery diagnose tells more";
}

function tell(line: string | undefined, onNotice: (line: string) => void): void {
  if (line !== undefined) onNotice(line);
}

/** Tells of each failure, and when the next attempt follows. */
function tellRetry(onNotice: (line: string) => void): OpenRegistriesOptions["onRetry"] {
  const notices = new FailureNotices();
  return (error, delayMs) => tell(notices.line(error, delayMs), onNotice);
}
