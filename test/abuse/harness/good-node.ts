/**
 * The good node beside an attack: what it has seen, and when.
 * @module
 */
import { resolve } from "node:path";
import { LineProcess } from "../../harness/processes/line-process.ts";
import type { GoodEvent } from "../programs/good-node.ts";

const PROGRAM = resolve(import.meta.dirname, "../programs/good-node.ts");

/** What a good node has seen in some time. */
export interface GoodReport {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Each different failure once, with how often it was seen. */
  readonly failures: readonly string[];
}

export class GoodNode {
  /** In a process of its own: what an attacker costs its own process is not the service's fault. */
  readonly process: LineProcess<GoodEvent>;

  constructor(port: number) {
    this.process = new LineProcess("good node", process.execPath, [PROGRAM, String(port)]);
  }

  /** Waits until it has been served. */
  async isServed(): Promise<void> {
    const { events } = this.process;
    await this.process.until("good node is served", () =>
      events.findLast(({ did, failure }) => did === "Watch" && failure === undefined),
    );
  }

  /** Waits for the answer of a call that began at `time` or later, so that all before it have one. */
  async answered(time: number): Promise<void> {
    const { events } = this.process;
    await this.process.until("a call after the attack", () =>
      events.findLast(({ did, startedAt }) => did === "List" && startedAt >= time),
    );
  }

  /** What calls have seen that began at `from` or later and before `to`, both of {@link now}. */
  between(from: number, to: number): GoodReport {
    const events = this.process.events.filter(
      ({ startedAt }) => startedAt >= from && startedAt < to,
    );
    const times = events.map(({ ms }) => ms).sort((a, b) => a - b);
    const at = (share: number): number =>
      Math.round(times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0);
    const failures = new Map<string, number>();
    for (const { did, failure } of events) {
      if (failure === undefined) continue;
      const text = `${did}: ${failure}`;
      failures.set(text, (failures.get(text) ?? 0) + 1);
    }
    return {
      calls: events.length,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
      failures: Array.from(failures, ([text, count]) => `${text} (${count} times)`),
    };
  }
}

/** The clock of good nodes, in ms. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
