/**
 * Discovery by annotations of Kubernetes nodes.
 * @see docs/kubernetes.md
 * @module
 */

import { Lifecycle } from "../../async/lifecycle.ts";
import { type Sleep, sleep } from "../../async/timers.ts";
import { type SignalOptions, untilFirstEnds } from "../../async/waits.ts";
import type { DiscoveryError } from "../../errors.ts";
import type { AffiliateSpec, LocalAffiliate } from "../../resources/affiliate.ts";
import type { DiscoveryRegistry, RegistryChange, RegistryStatus } from "../discovery-registry.ts";
import { RegistryFeed } from "../registry-feed.ts";
import { AnnotationPublisher } from "./annotation-publisher.ts";
import { type KnownNode, KnownNodes } from "./known-nodes.ts";
import type { NodeApi } from "./node-api.ts";
import type { KubernetesNode, NodeDropReport } from "./node-mapping.ts";
import { type NodeSight, NodeWatcher } from "./node-watcher.ts";

/** How to read nodes, and which is ours. */
export interface KubernetesRegistryOptions {
  /** The API server: `createNodeApi` of `talos-discovery/node`, or another. */
  readonly nodes: NodeApi;
  /** Our identity, whose node is not among the others. */
  readonly nodeId?: string | undefined;
  /**
   * Name of our own `Node` object, which is not among the others, and on which `publish` writes.
   * @default none
   */
  readonly nodeName?: string | undefined;
  /** Told of what does not parse, once until it changes. Must not throw. */
  readonly onDrop?: ((report: NodeDropReport) => void) | undefined;
  /** Told of each failure and of the wait after it. Must not throw. */
  readonly onRetry?: ((error: DiscoveryError, delayMs: number) => void) | undefined;
  /** Told when our `Node` is not there to write on, once until it is. Must not throw. */
  readonly onMissing?: ((error: DiscoveryError) => void) | undefined;
  /** Milliseconds from any start. @default performance.now */
  readonly now?: (() => number) | undefined;
  /** From [0, 1). @default Math.random */
  readonly random?: (() => number) | undefined;
  /** @default the runtime's timers */
  readonly sleep?: Sleep | undefined;
}

/**
 * A registry of affiliates on the `Node` objects of a cluster.
 *
 * Without `nodeName` it only reads: there is no `publish` and no `withdraw` then, and `flush` has
 * nothing to wait for.
 *
 * @example
 * const registry = new KubernetesRegistry({ nodes: await createNodeApi({ kubeconfig: "kubeconfig" }) });
 * const running = registry.run({ signal });
 * for await (const change of registry.watch({ signal })) console.log(change);
 * await running;
 */
export class KubernetesRegistry implements DiscoveryRegistry {
  readonly name = "k8s";
  /**
   * Sets our annotations; `run` writes them, and again where somebody changes them or the `Node` is
   * made anew.
   */
  readonly publish?: (local: LocalAffiliate) => void;
  /** Takes our annotations away. */
  readonly withdraw?: () => void;
  readonly #source: string;
  readonly #feed: RegistryFeed;
  readonly #known: KnownNodes;
  readonly #watcher: NodeWatcher;
  readonly #publisher: AnnotationPublisher | undefined;
  readonly #life: Lifecycle = new Lifecycle("this registry");
  #phase: RegistryStatus["phase"] = "stopped";
  #readError: DiscoveryError | undefined;
  #writeError: DiscoveryError | undefined;

  constructor(options: KubernetesRegistryOptions) {
    const {
      nodes,
      nodeId,
      nodeName,
      onDrop = () => {},
      onRetry = () => {},
      onMissing = () => {},
      now = () => performance.now(),
      random = Math.random,
    } = options;
    const time = { now, random, sleep: options.sleep ?? sleep };
    this.#source = nodes.source;
    this.#feed = new RegistryFeed({ phase: "stopped", source: nodes.source });
    this.#known = new KnownNodes({ feed: this.#feed, nodeId, nodeName, onDrop });
    this.#watcher = new NodeWatcher({ nodes, sight: this.#sight(nodeName, onRetry), ...time });
    if (nodeName !== undefined) {
      const onError = (error: DiscoveryError | undefined) => {
        this.#writeError = error;
        this.#tellStatus();
      };
      const reports = { onError, onRetry, onMissing };
      const publisher = new AnnotationPublisher({ nodes, nodeName, ...reports, ...time });
      this.#publisher = publisher;
      this.publish = ({ affiliate }) => publisher.publish(affiliate);
      this.withdraw = () => publisher.withdraw();
    }
  }

  /** `lastError` is of reading, or else of writing our own annotations. */
  get status(): RegistryStatus {
    return this.#feed.status;
  }

  get affiliates(): ReadonlyMap<string, AffiliateSpec> {
    return this.#feed.affiliates;
  }

  watch(options?: SignalOptions): AsyncGenerator<RegistryChange, void, undefined> {
    return this.#feed.watch(options);
  }

  /** Resolves when our `Node` has what was last published. Waits for `run`, and for the `Node`. */
  async flush({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.during(signal, async (own) => this.#publisher?.flush(own));
  }

  /** @throws {TypeError} while it is running already. */
  async run({ signal }: SignalOptions = {}): Promise<void> {
    await this.#life.run(signal, (own) => this.#runUntilAborted(own));
  }

  async #runUntilAborted(signal: AbortSignal): Promise<void> {
    const publisher = this.#publisher;
    const tasks = [(own: AbortSignal) => this.#watcher.run(own)];
    if (publisher !== undefined) tasks.push((own) => publisher.run(own));
    this.#tellStatus("connecting");
    try {
      await untilFirstEnds(tasks, signal);
    } finally {
      this.#readError = undefined;
      this.#writeError = undefined;
      this.#tellStatus("stopped");
    }
  }

  #sight(
    nodeName: string | undefined,
    onRetry: (error: DiscoveryError, delayMs: number) => void,
  ): NodeSight {
    let listed: KnownNode[] = [];
    let own: KubernetesNode | undefined;
    const isOwn = (node: KubernetesNode) => node.metadata.name === nodeName;
    return {
      page: (nodes, isFirst) => {
        if (isFirst) {
          listed = [];
          own = undefined;
        }
        for (const node of nodes) {
          const known = this.#known.read(node);
          if (known !== undefined) listed.push(known);
          if (isOwn(node)) own = node;
        }
      },
      listed: () => {
        // Whoever waits for a first answer has it now, also while the watch after it is not open
        // yet.
        this.#readError = undefined;
        this.#tellStatus("connected");
        this.#known.replace(listed);
        this.#publisher?.see(own);
        listed = [];
      },
      changed: (node) => {
        this.#known.set(node.metadata.name, this.#known.read(node));
        if (isOwn(node)) this.#publisher?.see(node);
      },
      deleted: (node) => {
        this.#known.set(node.metadata.name, undefined);
        if (isOwn(node)) this.#publisher?.see(undefined);
      },
      following: () => {
        this.#readError = undefined;
        this.#tellStatus("connected");
      },
      failed: (error, delayMs) => {
        this.#publisher?.forget();
        this.#readError = error;
        this.#tellStatus("waiting");
        onRetry(error, delayMs);
      },
    };
  }

  #tellStatus(phase: RegistryStatus["phase"] = this.#phase): void {
    this.#phase = phase;
    const lastError = this.#readError ?? this.#writeError;
    const status = { phase, source: this.#source };
    this.#feed.setStatus(lastError === undefined ? status : { ...status, lastError });
  }
}
