/**
 * Membership: a machine stays registered, for days, whatever happens to it and to what it is
 * registered with.
 * @module
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type Sleep, sleep } from "../../async/timers.ts";
import { linkedController } from "../../async/waits.ts";
import type { Discovery, DiscoveryChange, DiscoveryRegistry } from "../../discovery/index.ts";
import type { DiscoveryError } from "../../errors.ts";
import type { AffiliateSpec } from "../../resources/index.ts";
import type { RegistryPart } from "../../sources/discovery-registry.ts";
import { oneLine, UsageError } from "../exit.ts";
import type { DescribeMachine } from "./own-affiliate.ts";

/** How often to look at the machine. */
export const LOOK_INTERVAL_MS = 5000;

/**
 * A look that comes this much too late by the clock says that the machine was suspended, or this
 * process stopped.
 */
const PAUSE_MS = 30_000;

/** How long to try to tell everybody that we leave. */
const LEAVE_TIMEOUT_MS = 3000;

const NO_ADDRESS = "this machine has no address to publish";

/** What {@link Membership} is made from. */
export interface MembershipOptions {
  /** Not running. */
  readonly discovery: Discovery;
  readonly describe: DescribeMachine;
  /** Told what a user should know, in one line each. */
  readonly onNotice: (line: string) => void;
  /** The clock on the wall, in ms, which goes on while the machine sleeps. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** @default the runtime's timers */
  readonly sleep?: Sleep | undefined;
}

/** Publishes this machine, keeps it registered, and takes it back at the end. */
export class Membership {
  readonly #discovery: Discovery;
  readonly #describe: DescribeMachine;
  readonly #onNotice: (line: string) => void;
  readonly #now: () => number;
  readonly #sleep: Sleep;
  readonly #parts: readonly RegistryPart[];
  /** Parts that have accepted us once, and where we may still be listed. */
  readonly #accepted = new Set<RegistryPart>();
  /** Failures of each part that were made good, and told so. */
  readonly #recovered = new Map<RegistryPart, number>();
  #published: AffiliateSpec;
  /** What could not be published, so that it is told once. */
  #refused: AffiliateSpec | undefined;
  #restart = new AbortController();

  /**
   * @throws {UsageError} for what no part would take: more than fits into an affiliate. Nothing is
   *   sent yet.
   */
  constructor({ discovery, describe, onNotice, now, sleep: sleeper }: MembershipOptions) {
    this.#discovery = discovery;
    this.#describe = describe;
    this.#onNotice = onNotice;
    this.#now = now ?? Date.now;
    this.#sleep = sleeper ?? sleep;
    this.#parts = publishedParts(discovery);
    this.#published = describe(undefined);
    try {
      discovery.publish({ affiliate: this.#published });
    } catch (error) {
      throw new UsageError(oneLine(error), { cause: error });
    }
    if (this.#published.addresses.length === 0) onNotice(NO_ADDRESS);
  }

  /**
   * Keeps the machine registered until `signal` aborts, and then takes it back from everywhere.
   *
   * @param onChange - Told of everything that `Discovery.watch` tells.
   * @returns Whether every part that may list us has taken us off.
   */
  async keep(onChange: (change: DiscoveryChange) => void, signal: AbortSignal): Promise<boolean> {
    const ended = new AbortController();
    const { controller, unlink } = linkedController(signal, ended.signal);
    const leaving = controller.signal;
    const tasks = Promise.all([
      this.#run(ended.signal),
      this.#look(leaving),
      ...this.#parts.map((part) => this.#announce(part, leaving)),
    ]);
    // Told at the end; until then others still list us.
    tasks.catch(() => controller.abort());
    let hasLeft = false;
    try {
      for await (const change of this.#discovery.watch({ signal: leaving })) {
        // A service that has just been reached may see us at another address.
        if (change.kind === "status") this.#republish();
        onChange(change);
        // Changes that come one after the other leave no turn to a signal.
        await nextTurn();
      }
    } finally {
      hasLeft = await this.#leave();
      ended.abort();
      unlink();
      await tasks;
    }
    return hasLeft;
  }

  async #run(ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      const { controller, unlink } = linkedController(ended);
      this.#restart = controller;
      await this.#discovery.run({ signal: controller.signal }).finally(unlink);
    }
  }

  /** Looks at the machine from time to time. */
  async #look(signal: AbortSignal): Promise<void> {
    for (;;) {
      const beforeMs = this.#now();
      try {
        await this.#sleep(LOOK_INTERVAL_MS, signal);
      } catch {
        return;
      }
      const lateMs = this.#now() - beforeMs - LOOK_INTERVAL_MS;
      this.#republish();
      if (lateMs > PAUSE_MS) {
        // Connections from before may be dead without a word, and would be found out by pings in
        // some minutes.
        const seconds = Math.round(lateMs / 1000);
        this.#onNotice(`the clock went on by ${seconds} s, as in a sleep: connecting again`);
        this.#restart.abort();
      }
      this.#tellRecovered();
    }
  }

  #republish(): void {
    const publicAddress = this.#parts.find((part) => part.publicAddress)?.publicAddress;
    const affiliate = this.#describe(publicAddress);
    const isKnown = [this.#published, this.#refused].some((known) =>
      isDeepStrictEqual(affiliate, known),
    );
    if (isKnown) return;
    try {
      this.#discovery.publish({ affiliate });
    } catch (error) {
      this.#refused = affiliate;
      this.#onNotice(`${oneLine(error)}; what was published before stays`);
      this.#discovery.publish({ affiliate: this.#published });
      return;
    }
    const isMoved = !isDeepStrictEqual(affiliate.addresses, this.#published.addresses);
    this.#published = affiliate;
    if (isMoved) this.#onNotice(addressNotice(affiliate));
  }

  #tellRecovered(): void {
    for (const part of this.#parts) {
      const failureCount = part.failureCount;
      if (part.status.phase !== "connected" || failureCount === (this.#recovered.get(part) ?? 0))
        continue;
      this.#recovered.set(part, failureCount);
      // The first time something else is told: that we are registered.
      if (this.#accepted.has(part)) this.#onNotice(`connected to ${part.status.source} again`);
    }
  }

  async #announce(part: RegistryPart, signal: AbortSignal): Promise<void> {
    try {
      await part.flush({ signal });
    } catch {
      return;
    }
    this.#accepted.add(part);
    const { status, publicAddress } = part;
    const seen = publicAddress === undefined ? "" : `, which sees us at ${publicAddress}`;
    this.#onNotice(`registered ${this.#published.nodeId} with ${status.source}${seen}`);
  }

  async #leave(): Promise<boolean> {
    // One that is connected may have accepted us without having said so yet.
    const listing = this.#parts.filter(
      (part) => this.#accepted.has(part) || part.status.phase === "connected",
    );
    if (listing.length === 0) return true;
    this.#discovery.withdraw();
    const timeout = AbortSignal.timeout(LEAVE_TIMEOUT_MS);
    const outcomes = await Promise.allSettled(
      listing.map((part) => part.flush({ signal: timeout })),
    );
    const silent = listing.filter((_, i) => outcomes[i]?.status === "rejected");
    for (const { status } of silent) {
      this.#onNotice(
        `${status.source} did not answer; it forgets this machine when its time is over`,
      );
    }
    if (silent.length === 0) this.#onNotice("left the cluster");
    return silent.length === 0;
  }
}

function addressNotice({ addresses }: AffiliateSpec): string {
  return addresses.length === 0 ? NO_ADDRESS : `the addresses are now ${addresses.join(", ")}`;
}

/** All parts of a discovery that take what is published, live. */
function publishedParts({ registries }: Discovery): readonly RegistryPart[] {
  return registries
    .filter(({ publish }) => publish !== undefined)
    .flatMap((registry) => registry.parts ?? [wholePart(registry)]);
}

/**
 * A registry of one part. Its failures are counted as they are seen: those that were there at a
 * look at the count.
 */
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
