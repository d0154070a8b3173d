/**
 * How cost grows with affiliates and watchers: a curve, with no mark to reach.
 * @module
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { LoadGenerator } from "./load-generator.ts";
import { cpuSeconds, residentBytes } from "./process-usage.ts";
import { markdownTable } from "./report.ts";
import type { ServerHall, ServerName } from "./servers.ts";

/** One point of a curve. */
interface ScalePoint {
  readonly affiliates: number;
  readonly watchers: number;
}

export interface ScaleRow extends ScalePoint {
  readonly server: ServerName;
  /** CPU time per change delivered to a watcher. */
  readonly cpuUsPerMessage: number;
  readonly messagesPerSecond: number;
  readonly rssMb: number;
  /** From a change's call until its last watcher has it. */
  readonly deliveryP50Ms: number;
  readonly deliveryP99Ms: number;
  /** Ours alone. */
  readonly loopDelayP99Ms: number | undefined;
}

/** Clusters of a hundred nodes, each of which is watched by its hundred nodes where it is watched. */
const CLUSTER_SIZE = 100;
const CONNECTIONS = 16;
const CONCURRENCY = 16;
/** Changes under way at a time, in different clusters. */
const CHANGES_AT_A_TIME = 4;
const SETTLE_MS = 1500;

const POINTS: readonly ScalePoint[] = [
  ...[1000, 10_000, 30_000, 100_000].map((affiliates) => ({ affiliates, watchers: 100 })),
  ...[100, 500, 1000, 2000, 5000].map((watchers) => ({ affiliates: 10_000, watchers })),
];
const QUICK_POINTS: readonly ScalePoint[] = [{ affiliates: 1000, watchers: 100 }];

const LOAD_MS = 4000;
const QUICK_LOAD_MS = 500;

/** @returns Rows in the order of the points. The point that both curves share is measured once. */
export async function runScale(
  hall: ServerHall,
  generator: LoadGenerator,
  { isQuick }: { readonly isQuick: boolean },
): Promise<ScaleRow[]> {
  const rows: ScaleRow[] = [];
  const points = isQuick ? QUICK_POINTS : POINTS;
  const measured = new Set<string>();
  for (const point of points) {
    const key = `${point.affiliates} ${point.watchers}`;
    if (measured.has(key)) continue;
    measured.add(key);
    for (const server of ["ours", "reference"] as const) {
      rows.push(
        await measurePoint(point, server, hall, generator, isQuick ? QUICK_LOAD_MS : LOAD_MS),
      );
      process.stderr.write(`${server}: ${key} done\n`);
    }
  }
  return rows;
}

async function measurePoint(
  { affiliates, watchers }: ScalePoint,
  name: ServerName,
  hall: ServerHall,
  generator: LoadGenerator,
  loadMs: number,
): Promise<ScaleRow> {
  const delayFile = join(hall.folder, "loop-delay.json");
  await using server = await hall.start(name, {
    nodeArgs: ["--import", new URL("./loop-delay.ts", import.meta.url).href],
    env: { BENCH_LOOP_DELAY_FILE: delayFile },
  });
  const shape = { clusters: affiliates / CLUSTER_SIZE, affiliates: CLUSTER_SIZE };
  const watchedClusters = watchers / CLUSTER_SIZE;
  await generator.run(server, { do: "open", connections: CONNECTIONS });
  await generator.run(server, { do: "fill", concurrency: CONCURRENCY, ...shape });
  await generator.run(server, {
    do: "watch",
    count: watchers,
    connections: watchers,
    watchedClusters,
    ...shape,
  });
  const publish = (limitMs: number) =>
    generator.run(server, {
      do: "publish",
      count: 1_000_000,
      concurrency: CHANGES_AT_A_TIME,
      limitMs,
    });
  await publish(loadMs / 4);
  if (name === "ours") await loopDelay(server.pid, delayFile);
  const before = await cpuSeconds(server.pid);
  const { delivered, seconds, p50Ms, p99Ms } = await publish(loadMs);
  const used = (await cpuSeconds(server.pid)) - before;
  const loopDelayP99Ms = name === "ours" ? await loopDelay(server.pid, delayFile) : undefined;
  await delay(SETTLE_MS);
  const rssMb = (await residentBytes(server.pid)) / 1e6;
  await generator.run(server, { do: "close" });
  return {
    server: name,
    affiliates,
    watchers,
    cpuUsPerMessage: (used * 1e6) / delivered,
    messagesPerSecond: delivered / seconds,
    rssMb,
    deliveryP50Ms: p50Ms,
    deliveryP99Ms: p99Ms,
    loopDelayP99Ms,
  };
}

/** p99 since the last call, in ms. */
async function loopDelay(pid: number, file: string): Promise<number> {
  await rm(file, { force: true });
  process.kill(pid, "SIGUSR2");
  const limit = AbortSignal.timeout(15_000);
  for (;;) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (text.endsWith("\n")) return JSON.parse(text).p99Ms;
    if (limit.aborted) throw new Error("the service has not told its event loop delay");
    await delay(20);
  }
}

const COLUMNS = [
  "server",
  "affiliates",
  "watchers",
  "CPU µs per message",
  "messages per s",
  "RSS MB",
  "delivery p50 ms",
  "delivery p99 ms",
  "loop delay p99 ms",
] as const;

function cells(row: ScaleRow): string[] {
  return [
    row.server,
    String(row.affiliates),
    String(row.watchers),
    row.cpuUsPerMessage.toFixed(1),
    row.messagesPerSecond.toFixed(0),
    row.rssMb.toFixed(0),
    row.deliveryP50Ms.toFixed(1),
    row.deliveryP99Ms.toFixed(1),
    row.loopDelayP99Ms?.toFixed(1) ?? "",
  ];
}

export function formatScale(rows: readonly ScaleRow[]): string {
  return markdownTable([COLUMNS, ...rows.map(cells)]);
}

export function scaleCsv(rows: readonly ScaleRow[]): string {
  const names = COLUMNS.map((name) => name.replaceAll(" ", "_").replace("µs", "us"));
  return [names, ...rows.map(cells)].map((line) => `${line.join(",")}\n`).join("");
}
