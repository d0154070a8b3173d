/**
 * Many Go clients of one cluster, behind one address, in one process.
 * @module
 */
import { inject } from "vitest";
import { generateNodeId } from "../../../src/identity/index.ts";
import type { LineProcess } from "../../harness/processes/line-process.ts";
import { type Cluster, createCluster } from "../../harness/processes/nodes.ts";
import type { Service } from "../../harness/processes/services.ts";
import type { FaultStage } from "./fault-stage.ts";

/** As a Talos node registers. */
const TTL_MS = 1_800_000;

/** What the crowd says of itself, every few seconds and when a round is complete. */
export interface CrowdEvent {
  readonly event: "progress" | "complete";
  readonly round: number;
  /** Since the round began; of `complete`, the longest that any client has waited. */
  readonly elapsedMs: number;
  /** How long half of the clients that are complete waited. */
  readonly medianMs: number;
  readonly complete: number;
  /** Calls that failed in this round, by method, code and message. */
  readonly failures: Readonly<Record<string, number>>;
  /** Who was seen leaving since the first round was complete: the first few, and how many. */
  readonly losses: readonly string[];
  readonly lossCount: number;
}

/**
 * Clients that publish at once. A round is complete when each has said hello, has published,
 * watches, and has been told of all others, all since the round began.
 */
export class Crowd {
  readonly cluster: Cluster = createCluster();
  readonly nodeIds: readonly string[];
  readonly process: LineProcess<CrowdEvent>;
  #round = 0;

  constructor(stage: FaultStage, { endpoint }: Service, clients: number) {
    this.nodeIds = Array.from({ length: clients }, () => generateNodeId());
    this.process = stage.program("go crowd", inject("binaries").interop, ["crowd"]);
    this.process.send({
      ...this.cluster,
      endpoint,
      nodeIds: this.nodeIds,
      ttlMs: TTL_MS,
      clientVersion: "v1.15.0",
    });
  }

  /** From now on all must do everything again. */
  beginRound(): void {
    this.#round++;
    this.process.send({ do: "round" });
  }

  /** Waits until all clients are complete. */
  complete(limitMs: number): Promise<CrowdEvent> {
    return this.process.until(
      `all of ${this.nodeIds.length} clients complete`,
      () => this.process.events.find((e) => e.event === "complete" && e.round === this.#round),
      limitMs,
    );
  }
}
