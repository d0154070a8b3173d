/**
 * The dashboard and the alerts of `deploy/`: queries that Prometheus takes, over metrics that the service has.
 * @module
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parse, stringify } from "yaml";
import { createMetrics } from "../../src/cli/serve/metrics/metrics.ts";
import { serve } from "../../src/node/index.ts";
import { MemoryBudget } from "../../src/registry/index.ts";

const DEPLOY = resolve(import.meta.dirname, "../../deploy");
const ALERTS = join(DEPLOY, "prometheus/alerts.yaml");
const PROMTOOL_LIMIT_MS = 60_000;

const run = promisify(execFile);

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly expr: string }[];
}

let folder: string;
let metricNames: ReadonlySet<string>;
let rules: readonly Rule[];
let panels: readonly Panel[];

/** `promtool` from Debian's `prometheus` package. */
async function promtool(...args: readonly string[]): Promise<string> {
  const { stdout } = await run("promtool", [...args], { timeout: PROMTOOL_LIMIT_MS }).catch(
    (error: Error & { stdout?: string; stderr?: string }) => {
      throw new Error(`${error.message}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
    },
  );
  return stdout;
}

async function scrapedNames(): Promise<Set<string>> {
  const metrics = createMetrics({ version: "1.0.0" });
  await using server = await serve({
    host: "127.0.0.1",
    port: 0,
    hooks: metrics.hooks,
    metrics: { host: "127.0.0.1", port: 0, pages: metrics.pages },
  });
  const certificate = { notAfter: new Date(), subject: "CN=a" };
  const memory = new MemoryBudget({ maxBytes: 2 ** 28 });
  metrics.attach({ registry: server.registry, memory, tls: () => certificate });
  const saved = { path: "f", clusters: 1, affiliates: 1, endpoints: 1, bytes: 1, durationMs: 1 };
  metrics.onSnapshot({ operation: "save", status: "success", ...saved });
  // The delay of the event loop is there after its first measurement.
  const text = await vi.waitFor(
    async () => {
      const scraped = await (await fetch(`${server.metrics?.url}/metrics`)).text();
      expect(scraped).toContain("\nnodejs_eventloop_lag_p99_seconds ");
      return scraped;
    },
    { timeout: 15_000 },
  );
  return new Set([...text.matchAll(/^([a-z_0-9]+)[{ ]/gm)].map((match) => match[1] as string));
}

/** The names of metrics in a query: what is neither a function, a label nor a word of the language. */
function namesIn(expr: string): string[] {
  const bare = expr
    .replaceAll(/"[^"]*"/g, "")
    .replaceAll(/\{[^}]*\}/g, "")
    .replaceAll(/\b(?:by|without)\s*\([^)]*\)/g, "");
  return [...bare.matchAll(/\b[a-z]+_[a-z_0-9]+\b(?!\s*\()/g)].map((match) => match[0]);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-deploy-"));
  metricNames = await scrapedNames();
  rules = parse(await readFile(ALERTS, "utf8")).groups.flatMap(
    (group: { rules: Rule[] }) => group.rules,
  );
  panels = JSON.parse(await readFile(join(DEPLOY, "grafana/dashboard.json"), "utf8")).panels;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("Prometheus takes the alerts", async () => {
  expect(await promtool("check", "rules", ALERTS)).toContain("SUCCESS");
});

test("alerts fire when they should, and are silent when all is well", async () => {
  const text = await readFile(join(import.meta.dirname, "alerts.test.yaml"), "utf8");
  const path = join(folder, "alerts.test.yaml");
  await writeFile(path, text.replace("RULES", ALERTS));
  expect(await promtool("test", "rules", path)).toContain("SUCCESS");
});

test("every alert says how bad it is and what it means", () => {
  expect(rules.length).toBeGreaterThan(0);
  for (const { alert, labels, annotations } of rules) {
    expect([alert, labels.severity]).toEqual([
      alert,
      expect.stringMatching(/^(critical|warning)$/),
    ]);
    expect(annotations.summary, alert).toBeTruthy();
    expect(annotations.description, alert).toBeTruthy();
  }
});

test("Prometheus takes every query of the dashboard", async () => {
  const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  expect(queries.length).toBeGreaterThan(20);
  const recorded = queries.map((expr, i) => ({
    record: `query:${i}`,
    // What Grafana fills in.
    expr: expr.replaceAll("$__rate_interval", "5m").replaceAll(/\$(job|instance)\b/g, ".*"),
  }));
  const path = join(folder, "dashboard.yaml");
  await writeFile(path, stringify({ groups: [{ name: "dashboard", rules: recorded }] }));
  expect(await promtool("check", "rules", path)).toContain(`${queries.length} rules found`);
});

test("alerts and dashboard ask only for metrics that the service has", () => {
  const queries = [
    ...rules.map(({ alert, expr }) => [alert, expr] as const),
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => [title, expr] as const),
    ),
  ];
  for (const [where, expr] of queries) {
    const names = namesIn(expr);
    expect(names.length, where).toBeGreaterThan(0);
    expect(
      names.filter((name) => !metricNames.has(name)),
      where,
    ).toEqual([]);
  }
});

test("no two panels of the dashboard overlap, and each says what it shows", () => {
  const taken = new Map<string, string>();
  for (const { type, title, description, gridPos } of panels) {
    if (type !== "row") expect(description, title).toBeTruthy();
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken.get(`${x} ${y}`), title).toBeUndefined();
        taken.set(`${x} ${y}`, title);
      }
    }
  }
});
