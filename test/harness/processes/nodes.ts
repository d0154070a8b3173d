/**
 * Nodes as real processes: the public Go client and ours, behind one shape.
 * @module
 */
import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { inject } from "vitest";
import { generateNodeId } from "../../../src/identity/index.ts";
import type { AffiliateData } from "../../../src/protocol/index.ts";
import { LineProcess } from "./line-process.ts";
import { certificate, type Service } from "./services.ts";

export const NODE_KINDS = ["go", "ts"] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

const OUR_NODE = resolve(import.meta.dirname, "./node-program.ts");
const DEFAULT_TTL_MS = 60_000;

export interface Cluster {
  readonly clusterId: string;
  readonly clusterSecret: string;
}

export function createCluster(): Cluster {
  const random = (): string => randomBytes(32).toString("base64");
  return { clusterId: random(), clusterSecret: random() };
}

/** What a node tells of another one. */
export interface SeenAffiliate extends AffiliateData {
  readonly nodeId: string;
  readonly endpoints?: readonly string[];
}

interface NodeEvent {
  /** `dropped` (ours): bad data from another node. */
  readonly event: "affiliates" | "dropped" | "stopped";
  readonly affiliates?: readonly SeenAffiliate[];
  readonly publicAddress?: string;
  readonly error?: string;
}

export interface NodeOptions {
  /** @default a fresh identity */
  readonly nodeId?: string;
  /** @default 60_000 */
  readonly ttlMs?: number;
  readonly clientVersion?: string;
  /** Compresses requests; the Go client alone can. @default false */
  readonly gzip?: boolean;
  /** Where to connect instead of the service: a wire tap in front of it. */
  readonly endpoint?: string;
  /** Authorities to be trusted, with a service that has a certificate of its own. */
  readonly caFile?: string;
}

export interface OtherEndpoints {
  readonly nodeId: string;
  readonly endpoints: readonly string[];
}

/** One node of a cluster. */
export class TestNode {
  readonly kind: NodeKind;
  readonly nodeId: string;
  readonly process: LineProcess<NodeEvent>;

  constructor(kind: NodeKind, service: Service, cluster: Cluster, options: NodeOptions = {}) {
    const {
      nodeId = generateNodeId(),
      ttlMs = DEFAULT_TTL_MS,
      clientVersion = "v1.15.0",
    } = options;
    const endpoint = options.endpoint ?? service.endpoint;
    this.kind = kind;
    this.nodeId = nodeId;
    this.process =
      kind === "go"
        ? new LineProcess("go node", inject("binaries").interop, ["node"])
        : new LineProcess("ts node", process.execPath, [OUR_NODE]);
    const caFile = options.caFile ?? (service.tls ? certificate("ca.pem") : undefined);
    const common = {
      ...cluster,
      nodeId,
      ttlMs,
      clientVersion,
      caFile,
      gzip: options.gzip ?? false,
    };
    this.process.send(
      kind === "go"
        ? { ...common, endpoint }
        : { ...common, url: `${service.tls ? "https" : "http"}://${endpoint}/` },
    );
  }

  /** Publishes `affiliate` under this node's identity. */
  publish(
    affiliate: AffiliateData,
    endpoints: readonly string[] = [],
    otherEndpoints: readonly OtherEndpoints[] = [],
  ): SeenAffiliate {
    const own = { ...affiliate, nodeId: this.nodeId };
    this.process.send({ do: "publish", affiliate: own, endpoints, otherEndpoints });
    return endpoints.length === 0 ? own : { ...own, endpoints };
  }

  withdraw(): void {
    this.process.send({ do: "withdraw" });
  }

  /** What it knows now, by node ID; `undefined` before its first word. */
  get seen(): ReadonlyMap<string, SeenAffiliate> | undefined {
    const affiliates = this.process.events.findLast((e) => e.event === "affiliates")?.affiliates;
    return affiliates && new Map(affiliates.map((affiliate) => [affiliate.nodeId, affiliate]));
  }

  /** Waits until it knows exactly these others, in any order. */
  async sees(...expected: readonly SeenAffiliate[]): Promise<void> {
    const wanted = new Map(expected.map((affiliate) => [affiliate.nodeId, affiliate]));
    const what = `exactly ${JSON.stringify(expected).slice(0, 2000)}`;
    await this.process.until(what, () => (isDeepStrictEqual(this.seen, wanted) ? true : undefined));
  }

  /** Waits until what it knows satisfies `look`. */
  async seesThat<Found>(
    what: string,
    look: (seen: ReadonlyMap<string, SeenAffiliate>) => Found | undefined,
  ): Promise<Found> {
    return this.process.until(what, () => this.seen && look(this.seen));
  }

  /** Asks for its present state; the service's word on its address is in the answer. */
  async publicAddress(): Promise<string> {
    const find = (): string | undefined =>
      this.process.events.findLast((e) => e.event === "affiliates")?.publicAddress;
    return this.process.until("its public address", find);
  }

  /** Ends it as on a shutdown: nothing is withdrawn. Resolves with the error that its client ended with, if any. */
  async stop(): Promise<string | undefined> {
    this.process.send({ do: "stop" });
    const last = await this.process.until("its end", () =>
      this.process.events.find((e) => e.event === "stopped"),
    );
    await this.process.exit();
    return last.error;
  }
}
