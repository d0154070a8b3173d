/**
 * A client over a {@link FakeService}, with time in the test's hand.
 */
import { afterEach, beforeEach, vi } from "vitest";
import type { ClientObserver } from "../../../src/client/client-observer.ts";
import {
  DiscoveryClient,
  type DiscoveryClientOptions,
  type DropReport,
} from "../../../src/client/index.ts";
import type { DiscoveryError } from "../../../src/errors.ts";
import { CLUSTER_SECRET, FakeService, until } from "../../harness/service/fake-service.ts";

export const TTL_MS = 60_000;

export class ClientHarness {
  service: FakeService = new FakeService();
  stop: AbortController = new AbortController();
  running: Promise<void> = Promise.resolve();
  readonly retries: { error: DiscoveryError; delayMs: number }[] = [];
  readonly drops: DropReport[] = [];

  createClient(
    options: Partial<DiscoveryClientOptions> = {},
    observer?: ClientObserver,
  ): DiscoveryClient {
    const all: DiscoveryClientOptions = {
      service: "https://discovery.test/",
      transport: () => this.service.transport(),
      clusterId: "cluster",
      clusterSecret: CLUSTER_SECRET,
      nodeId: "self",
      ttlMs: TTL_MS,
      random: () => 0.5,
      onRetry: (error, delayMs) => this.retries.push({ error, delayMs }),
      onDrop: (drop) => this.drops.push(drop),
      ...options,
    };
    return new DiscoveryClient(all, observer);
  }

  start(options: Partial<DiscoveryClientOptions> = {}): DiscoveryClient {
    const client = this.createClient(options);
    this.run(client);
    return client;
  }

  run(client: DiscoveryClient): void {
    this.running = client.run({ signal: this.stop.signal });
  }

  async startConnected(options: Partial<DiscoveryClientOptions> = {}): Promise<DiscoveryClient> {
    const client = this.start(options);
    await until(() => client.status.phase === "connected");
    return client;
  }
}

/** A harness for each test; timers are fake, and none may be left at the end. */
export function setUpHarness(): { readonly current: ClientHarness } {
  const holder = { current: new ClientHarness() };
  beforeEach(() => {
    // Only what waits for time: setImmediate stays, so that a test can let promises run.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
    holder.current = new ClientHarness();
  });
  afterEach(async () => {
    holder.current.stop.abort();
    await holder.current.running;
    // The service's half of an aborted call ends a few turns later.
    await until(() => vi.getTimerCount() === 0);
    vi.useRealTimers();
  });
  return holder;
}
