/** `export prometheus` read by Prometheus: over HTTP and from a file. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { CONTROL_CHARACTERS } from "../harness/cluster/hostile-members.ts";
import { unusedPort } from "../harness/net/unused-port.ts";
import { OUR_CLI } from "../harness/paths.ts";
import { createExportDesk, createHostileDesk, type ExportDesk } from "./exporting.ts";

const PAGE = new URL("../../docs/prometheus.md", import.meta.url);

/** How a job gets the node's name as its instance: the page's own. */
async function relabelling(): Promise<object[]> {
  const page = await readFile(PAGE, "utf8");
  const [, block = ""] = /relabel_configs:\n(.*?)```/s.exec(page) ?? [];
  const { parse } = await import("yaml");
  return parse(block) as object[];
}

/** Starts the export as a service on a free port. */
async function serveTargets(desk: ExportDesk, ...args: readonly string[]): Promise<string> {
  const exporting = desk.start(
    process.execPath,
    ...[OUR_CLI, "export", "prometheus", "--serve", "0", ...args],
  );
  return exporting.until("listening", () => {
    const line = exporting.events.find((event) => event.startsWith("listening on "));
    return line?.slice("listening on ".length);
  });
}

async function writeConfig(desk: ExportDesk, discovery: object): Promise<string> {
  const path = join(desk.folder, "prometheus.yml");
  const job = { job_name: "nodes", scrape_interval: "1s", ...discovery };
  await writeFile(path, stringify({ scrape_configs: [job] }));
  return path;
}

interface Target {
  readonly discoveredLabels: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly scrapeUrl: string;
}

/** Starts Prometheus, and gives a look at the targets that it has. */
async function startPrometheus(desk: ExportDesk, config: string): Promise<() => Promise<Target[]>> {
  const port = await unusedPort();
  desk.start(
    "prometheus",
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(desk.folder, "tsdb")}`,
    `--web.listen-address=127.0.0.1:${port}`,
  );
  return async () => {
    const url = `http://127.0.0.1:${port}/api/v1/targets?state=active`;
    const response = await fetch(url).catch(() => undefined);
    if (!response?.ok) return [];
    const { data } = (await response.json()) as { data: { activeTargets: Target[] } };
    return data.activeTargets.sort((a, b) => (a.scrapeUrl < b.scrapeUrl ? -1 : 1));
  };
}

const urls = (targets: readonly Target[]) => targets.map(({ scrapeUrl }) => scrapeUrl);

test("Prometheus finds the members over HTTP, follows them, and keeps them while services are down", async () => {
  const desk = await createExportDesk();
  const url = await serveTargets(desk);
  const config = await writeConfig(desk, {
    http_sd_configs: [{ url: `${url}/targets`, refresh_interval: "1s" }],
    relabel_configs: await relabelling(),
  });
  expect(await desk.run("promtool", "check", "config", config)).toContain("SUCCESS");
  const found = await desk.run(
    "promtool",
    "check",
    "service-discovery",
    "--timeout=5s",
    config,
    "nodes",
  );
  expect(JSON.parse(found.slice(found.indexOf("[")))).toHaveLength(3);

  const targets = await startPrometheus(desk, config);
  await expect
    .poll(async () => urls(await targets()))
    .toStrictEqual([
      "http://10.5.0.2:9100/metrics",
      "http://10.5.0.3:9100/metrics",
      "http://[fd00::4]:9100/metrics",
    ]);
  const [controlPlane] = await targets();
  expect(controlPlane?.discoveredLabels).toMatchObject({
    __meta_talos_node_name: "cp-1",
    __meta_talos_hostname: "cp-1.example.com",
    __meta_talos_machine_type: "controlplane",
    __meta_talos_operating_system: "Talos (v1.15.0)",
    __meta_talos_addresses: ",10.5.0.2,fd00::2,",
    __meta_talos_control_plane_port: "6443",
  });
  expect(controlPlane?.labels).toMatchObject({ instance: "cp-1", machine_type: "controlplane" });

  await desk.cluster.publish(desk.service, { nodename: "worker-2", addresses: ["10.5.0.9"] });
  await expect.poll(async () => urls(await targets())).toContain("http://10.5.0.9:9100/metrics");
  await desk.service.close();
  expect(await (await fetch(`${url}/targets`)).json()).toHaveLength(4);
  expect(await targets()).toHaveLength(4);
});

test("Prometheus reads the file that is kept up to date", async () => {
  const desk = await createExportDesk();
  const file = join(desk.folder, "targets.json");
  const config = await writeConfig(desk, { file_sd_configs: [{ files: [file] }] });
  desk.start(
    process.execPath,
    ...[OUR_CLI, "export", "prometheus", "--out", file, "--watch", "--type", "worker"],
  );
  await expect.poll(() => readFile(file, "utf8").catch(() => "")).toContain("10.5.0.3:9100");
  expect(await desk.run("promtool", "check", "config", config)).toContain("SUCCESS");
  const targets = await startPrometheus(desk, config);
  await expect
    .poll(async () => urls(await targets()))
    .toStrictEqual(["http://10.5.0.3:9100/metrics"]);
  await desk.cluster.publish(desk.service, { nodename: "worker-2", addresses: ["10.5.0.9"] });
  await expect.poll(async () => urls(await targets())).toHaveLength(2);
});

test("Prometheus has a target at every address of hostile members, and labels that are text", async () => {
  const desk = await createHostileDesk();
  const file = join(desk.folder, "targets.json");
  await desk.export("prometheus", "--out", file);
  const config = await writeConfig(desk, {
    file_sd_configs: [{ files: [file] }],
    relabel_configs: await relabelling(),
  });
  expect(await desk.run("promtool", "check", "config", config)).toContain("SUCCESS");
  const targets = await startPrometheus(desk, config);
  await expect.poll(targets).toHaveLength(desk.members.length);
  for (const { scrapeUrl, labels, discoveredLabels } of await targets()) {
    expect(scrapeUrl).toMatch(/^http:\/\/10\.66\.\d+\.\d+:9100\/metrics$/);
    const instance = discoveredLabels.__meta_talos_node_name;
    expect(labels).toEqual({
      job: "nodes",
      instance,
      machine_type: expect.stringMatching(/^(?:worker|controlplane)$/),
    });
    for (const value of Object.values(discoveredLabels))
      expect(value).not.toMatch(CONTROL_CHARACTERS);
  }
  const ids = (await targets()).map(({ discoveredLabels: { __meta_talos_node_id: id } }) => id);
  expect(ids).toEqual(expect.arrayContaining(["\\u001b[2J\\u001b]0;x\\u0007", "${" + "1}"]));
});
