/**
 * The good node beside an attack: its calls, and how they went.
 * @module
 */
import { resolve } from "node:path";
import type { Target } from "../../harness/net/attack.ts";
import { LineProcess } from "../../harness/processes/line-process.ts";
import type { GoodEvent } from "../programs/good-node.ts";
import { giveCoreFirst } from "./core-first.ts";

const PROGRAM = resolve(import.meta.dirname, "../programs/good-node.ts");

/** Summary of the calls in a period. */
export interface GoodReport {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Each distinct failure with its count. */
  readonly failures: readonly string[];
}

/** Both are times of {@link now}; `to` is not part of it. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

export class GoodNode {
  /** A process of its own, so that the attacker's load does not delay it. */
  readonly process: LineProcess<GoodEvent>;

  constructor({ port, tls = false }: Target) {
    const args = [PROGRAM, String(port), ...(tls ? ["tls"] : [])];
    this.process = new LineProcess("good node", process.execPath, args);
    giveCoreFirst(this.process.pid);
  }

  /** Waits until its watch has shown an update. */
  async isServed(): Promise<void> {
    const { events } = this.process;
    await this.process.until("good node is served", () =>
      events.findLast(({ did, failure }) => did === "Watch" && failure === undefined),
    );
  }

  /** Waits until a call that began at `time` or later has ended. */
  async answered(time: number): Promise<void> {
    const { events } = this.process;
    await this.process.until("a call after the attack", () =>
      events.findLast(({ did, startedAt }) => did === "List" && startedAt >= time),
    );
  }

  /** Summarizes the calls that began in one of the periods. */
  during(...periods: readonly Period[]): GoodReport {
    const events = this.process.events.filter(({ startedAt }) =>
      periods.some(({ from, to }) => startedAt >= from && startedAt < to),
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
