/**
 * A registry on its stage: run, watched and waited for by the cases of `registry-cases.ts`, with an
 * end to every wait.
 * @module
 */

import { sleep, withinTime } from "../async/timers.ts";
import type { AffiliateSpec, LocalAffiliate } from "../resources/affiliate.ts";
import type { DiscoveryRegistry, RegistryChange, RegistryStatus } from "./discovery-registry.ts";
import { readAffiliate } from "./registry-answer.ts";

const POLL_INTERVAL_MS = 5;

/** At once or later. */
export type Awaitable<T> = T | Promise<T>;

/** A fresh registry, not running, and the source behind it. */
export interface RegistryUnderTest {
  readonly registry: DiscoveryRegistry;
  /**
   * Makes these all that the source has, besides what the registry itself published; the registry
   * may hear of it later.
   */
  setSource(affiliates: readonly AffiliateSpec[]): Awaitable<void>;
  /** What the source has of the local node. Needed with `publishes`. */
  published?(): Awaitable<LocalAffiliate["affiliate"] | undefined>;
  /** Makes the source fail, and work again. Needed with `breaks`. */
  breakSource?(): Awaitable<void>;
  mendSource?(): Awaitable<void>;
  /** Frees what `open` made; the registry runs no more. */
  close?(): Awaitable<void>;
}

/** Ends a case. */
export function fail(message: string): never {
  throw new Error(message);
}

/** Compares whatever the order of affiliates and of their keys; the order within lists counts. */
export function sameSpecs(got: readonly AffiliateSpec[], expected: readonly AffiliateSpec[]): void {
  const [is, should] = [textOf(got), textOf(expected)];
  if (is !== should) fail(`expected the affiliates ${should}, got ${is}`);
}

/** Sets up, runs `check`, and takes everything down. */
export async function withStage(
  open: () => RegistryUnderTest | Promise<RegistryUnderTest>,
  timeoutMs: number,
  check: (stage: RegistryStage) => Promise<void>,
): Promise<void> {
  const underTest = await open();
  const stage = new RegistryStage(underTest, timeoutMs);
  try {
    await check(stage);
    await stage.stop();
  } finally {
    stage.abandon();
    await underTest.close?.();
  }
}

export class RegistryStage {
  readonly registry: DiscoveryRegistry;
  readonly #underTest: RegistryUnderTest;
  readonly #timeoutMs: number;
  readonly #watches: AbortController = new AbortController();
  #running: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(underTest: RegistryUnderTest, timeoutMs: number) {
    this.registry = underTest.registry;
    this.#underTest = underTest;
    this.#timeoutMs = timeoutMs;
  }

  run(): void {
    const stop = new AbortController();
    const ended = Promise.resolve(this.registry.run({ signal: stop.signal }));
    ended.catch(() => {});
    this.#running = { stop, ended };
  }

  /** Ends `run`, and waits for it. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stop.abort();
    await this.within(running?.ended ?? Promise.resolve(), "run ends with its signal");
  }

  /** Ends everything and waits for nothing. */
  abandon(): void {
    this.#running?.stop.abort();
    this.#watches.abort();
  }

  watch(signal: AbortSignal = this.#watches.signal): AsyncIterator<RegistryChange> {
    return this.registry.watch({ signal })[Symbol.asyncIterator]();
  }

  async setSource(affiliates: readonly AffiliateSpec[]): Promise<void> {
    await this.within(Promise.resolve(this.#underTest.setSource(affiliates)), "the source is set");
  }

  async breakSource(): Promise<void> {
    const { breakSource } = this.#underTest;
    if (breakSource === undefined) throw new TypeError("breaks: needs breakSource");
    await breakSource.call(this.#underTest);
  }

  async mendSource(): Promise<void> {
    const { mendSource } = this.#underTest;
    if (mendSource === undefined) throw new TypeError("breaks: needs mendSource");
    await mendSource.call(this.#underTest);
  }

  publish(local: LocalAffiliate): void {
    if (this.registry.publish === undefined) fail("publish is missing");
    this.registry.publish(local);
  }

  withdraw(): void {
    if (this.registry.withdraw === undefined) fail("withdraw is missing");
    this.registry.withdraw();
  }

  async flush(): Promise<void> {
    if (this.registry.flush === undefined) fail("flush is missing");
    await this.within(this.registry.flush(), "flush resolves");
  }

  /** What the source has of the local node, as a list of none or one. */
  async published(): Promise<readonly AffiliateSpec[]> {
    const { published } = this.#underTest;
    if (published === undefined) throw new TypeError("publishes: needs published");
    const affiliate = await published.call(this.#underTest);
    return affiliate === undefined ? [] : [affiliate];
  }

  /** The affiliates of the snapshot, which has to be the first change but for statuses. */
  async snapshot(changes: AsyncIterator<RegistryChange>): Promise<readonly AffiliateSpec[]> {
    const change = await this.#nextNews(changes, "a snapshot");
    if (change.kind !== "snapshot") fail(`the watch begins with ${change.kind}, not a snapshot`);
    return change.affiliates;
  }

  /** The next change of an affiliate. */
  async next(changes: AsyncIterator<RegistryChange>): Promise<RegistryChange> {
    const change = await this.#nextNews(changes, "a change");
    if (change.kind === "snapshot") fail("a second snapshot");
    return change;
  }

  async untilUpdated(
    changes: AsyncIterator<RegistryChange>,
    affiliate: AffiliateSpec,
  ): Promise<void> {
    // A source may take several steps to what it was set to.
    for (;;) {
      const change = await this.next(changes);
      if (change.kind !== "updated") fail(`expected an update, got ${change.kind}`);
      if (textOf([change.affiliate]) === textOf([affiliate])) return;
    }
  }

  async untilDeleted(changes: AsyncIterator<RegistryChange>, nodeId: string): Promise<void> {
    for (;;) {
      const change = await this.next(changes);
      if (change.kind === "deleted" && change.nodeId === nodeId) return;
    }
  }

  async untilStatus(
    changes: AsyncIterator<RegistryChange>,
    phase: RegistryStatus["phase"],
  ): Promise<void> {
    for (;;) {
      const change = await this.#nextOf(changes, `status ${phase}`);
      if (change.kind === "status" && change.status.phase === phase) return;
    }
  }

  async untilPhase(phase: RegistryStatus["phase"]): Promise<void> {
    await this.#until(() => this.registry.status.phase === phase, `phase ${phase}`);
  }

  /** Waits until exactly these are known. */
  async untilKnown(affiliates: readonly AffiliateSpec[]): Promise<void> {
    const known = () => textOf([...this.registry.affiliates.values()]);
    const expected = textOf(affiliates);
    await this.#until(() => known() === expected, `the affiliates ${expected}`);
  }

  async ends(changes: AsyncIterator<RegistryChange>): Promise<void> {
    for (;;) {
      const { done } = await this.within(changes.next(), "the watch ends");
      if (done) return;
    }
  }

  within<T>(wait: Promise<T>, what: string): Promise<T> {
    const error = () => new Error(`waited ${this.#timeoutMs} ms for this: ${what}`);
    return withinTime(wait, this.#timeoutMs, error, sleep, new AbortController().signal);
  }

  async #nextNews(changes: AsyncIterator<RegistryChange>, what: string): Promise<RegistryChange> {
    for (;;) {
      const change = await this.#nextOf(changes, what);
      if (change.kind !== "status") return change;
    }
  }

  async #nextOf(changes: AsyncIterator<RegistryChange>, what: string): Promise<RegistryChange> {
    const { done, value } = await this.within(changes.next(), what);
    if (done) fail(`the watch ended before ${what}`);
    return value;
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const abort = new AbortController();
    const poll = async () => {
      while (!condition()) await sleep(POLL_INTERVAL_MS, abort.signal);
    };
    try {
      await this.within(poll(), what);
    } finally {
      abort.abort();
    }
  }
}

function textOf(affiliates: readonly AffiliateSpec[]): string {
  const inOrder = [...affiliates].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  return JSON.stringify(inOrder.map(readAffiliate));
}
