/**
 * An API server in memory, as far as nodes go: versions, pages, watches that are resumed, and forgetting.
 */

import { Wakeup } from "../../../src/async/waits.ts";
import { DiscoveryError, type DiscoveryErrorCode } from "../../../src/errors.ts";
import type {
  AnnotationValues,
  KubernetesNode,
  NodeApi,
  NodeEvent,
  NodeListPage,
} from "../../../src/sources/kubernetes/index.ts";
import type { ClusterOfNodes } from "./kubernetes-under-test.ts";

interface Change {
  readonly version: number;
  readonly event: NodeEvent;
}

export class FakeApiServer implements NodeApi, ClusterOfNodes {
  readonly source = "https://kubernetes.test";
  /** Calls so far. */
  readonly calls: string[] = [];
  readonly patches: { readonly nodeName: string; readonly annotations: AnnotationValues }[] = [];
  /** How many nodes a page has at most, whatever is asked for. */
  maxPage: number = Number.POSITIVE_INFINITY;
  readonly #nodes = new Map<string, KubernetesNode>();
  readonly #log: Change[] = [];
  readonly #pages = new Map<string, readonly KubernetesNode[]>();
  readonly #wakeup: Wakeup = new Wakeup();
  #version = 1;
  /** Up to which everything is forgotten. */
  #compacted = 0;
  /** Grows with each ending of all watches. */
  #generation = 0;
  #failure: DiscoveryError | undefined;

  put(node: KubernetesNode): void {
    const { name } = node.metadata;
    const known = this.#nodes.get(name);
    const annotations = node.metadata.annotations ?? {};
    if (JSON.stringify(known?.metadata.annotations) === JSON.stringify(annotations)) return;
    const creationTimestamp = known?.metadata.creationTimestamp ?? node.metadata.creationTimestamp;
    const metadata = { ...node.metadata, annotations, creationTimestamp };
    this.#change("set", { ...node, metadata });
  }

  remove(name: string): void {
    this.#change("deleted", this.get(name));
  }

  get(name: string): KubernetesNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  names(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  /** Forgets what has happened so far, and pages that were begun. */
  compact(): void {
    this.#compacted = this.#version;
    this.#pages.clear();
  }

  /** Ends all watches in order, as a server does every few minutes. */
  endWatches(): void {
    this.#generation++;
    this.#wakeup.notify();
  }

  /** All calls and watches fail from now on. */
  break(code: DiscoveryErrorCode = "ERR_KUBERNETES_UNAVAILABLE"): void {
    this.#failure = new DiscoveryError(code, `${this.source} fails`);
    this.#wakeup.notify();
  }

  mend(): void {
    this.#failure = undefined;
  }

  bookmark(): void {
    this.#version++;
    const event = { kind: "bookmark", resourceVersion: `${this.#version}` } as const;
    this.#log.push({ version: this.#version, event });
    this.#wakeup.notify();
  }

  async list(options: {
    readonly limit?: number;
    readonly continueToken?: string | undefined;
    readonly signal: AbortSignal;
  }): Promise<NodeListPage> {
    const { limit = Number.POSITIVE_INFINITY, continueToken, signal } = options;
    this.#begin(`list${continueToken === undefined ? "" : " on"}`, signal);
    const size = options.limit === undefined ? limit : Math.min(limit, this.maxPage);
    const resourceVersion = continueToken?.split("/")[0] ?? `${this.#version}`;
    const rest =
      continueToken === undefined ? [...this.#nodes.values()] : this.#pages.get(continueToken);
    if (rest === undefined) throw this.#error("ERR_KUBERNETES_EXPIRED");
    if (rest.length <= size) return { nodes: rest, resourceVersion };
    const token = `${resourceVersion}/${rest.length}`;
    this.#pages.set(token, rest.slice(size));
    return { nodes: rest.slice(0, size), resourceVersion, continueToken: token };
  }

  async watch(options: {
    readonly resourceVersion: string;
    readonly signal: AbortSignal;
  }): Promise<AsyncIterable<NodeEvent>> {
    this.#begin(`watch ${options.resourceVersion}`, options.signal);
    return this.#follow(Number(options.resourceVersion), options.signal);
  }

  async annotate(
    nodeName: string,
    annotations: AnnotationValues,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<KubernetesNode> {
    this.#begin(`annotate ${nodeName}`, signal);
    const node = this.#nodes.get(nodeName);
    if (node === undefined) throw this.#error("ERR_KUBERNETES_NODE_MISSING");
    this.patches.push({ nodeName, annotations });
    const all = Object.entries({ ...node.metadata.annotations, ...annotations });
    const kept = all.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
    this.put({ ...node, metadata: { ...node.metadata, annotations: Object.fromEntries(kept) } });
    return this.get(nodeName);
  }

  async *#follow(from: number, signal: AbortSignal): AsyncGenerator<NodeEvent, void, undefined> {
    const generation = this.#generation;
    if (from < this.#compacted) throw this.#error("ERR_KUBERNETES_EXPIRED");
    let at = from;
    while (generation === this.#generation) {
      if (this.#failure !== undefined) throw this.#failure;
      const next = this.#log.find(({ version }) => version > at);
      if (next === undefined) await this.#wakeup.wait(signal);
      else {
        at = next.version;
        yield next.event;
      }
    }
  }

  #change(kind: "set" | "deleted", node: KubernetesNode): void {
    this.#version++;
    const resourceVersion = `${this.#version}`;
    const changed = { ...node, metadata: { ...node.metadata, resourceVersion } };
    if (kind === "set") this.#nodes.set(node.metadata.name, changed);
    else this.#nodes.delete(node.metadata.name);
    this.#log.push({ version: this.#version, event: { kind, node: changed, resourceVersion } });
    this.#wakeup.notify();
  }

  #begin(call: string, signal: AbortSignal): void {
    signal.throwIfAborted();
    this.calls.push(call);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #error(code: DiscoveryErrorCode): DiscoveryError {
    return new DiscoveryError(code, `${this.source}: ${code}`);
  }
}
