/**
 * What one test starts, so that all of it ends with the test.
 * @module
 */
import { type Cluster, type NodeKind, type NodeOptions, TestNode } from "./nodes.ts";
import { Probe, type ProbeOptions } from "./probe.ts";
import { type Service, type ServiceKind, type ServiceOptions, startService } from "./services.ts";

/** Starts processes; its end kills them. */
export class Stage {
  readonly #started = new AsyncDisposableStack();

  async service(kind: ServiceKind, options?: ServiceOptions): Promise<Service> {
    const service = await startService(kind, options);
    this.#started.use(service.process);
    return service;
  }

  node(kind: NodeKind, service: Service, cluster: Cluster, options?: NodeOptions): TestNode {
    const node = new TestNode(kind, service, cluster, options);
    this.#started.use(node.process);
    return node;
  }

  probe(service: Service, options?: ProbeOptions): Probe {
    const probe = new Probe(service, options);
    this.#started.use(probe.process);
    return probe;
  }

  /** Ends something else with the test. */
  use<Thing extends AsyncDisposable>(thing: Thing): Thing {
    return this.#started.use(thing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started.disposeAsync();
  }
}
