import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { sizeFrom } from "../../src/cli/flags/flag-values.ts";
import { memoryCeilings } from "../../src/cli/serve/memory-ceilings.ts";
import { resolveMaxMemory } from "../../src/node/memory-limit.ts";
import {
  EVERYTHING,
  KUBE_VERSION,
  objectOf,
  objectsOf,
  template,
} from "../harness/kubernetes/chart.ts";
import { CHART, OUR_CLI } from "../harness/paths.ts";

const run = promisify(execFile);
const { helm } = inject("programs");

async function renderedConfig(values: readonly string[]): Promise<string> {
  const maps = objectsOf(await template(helm, values)).filter(({ kind }) => kind === "ConfigMap");
  return maps.find(({ data }) => "serve.yaml" in data)?.data["serve.yaml"];
}

test.each([[[]], [EVERYTHING]])("the chart passes helm's strict lint with %j", async (values) => {
  const flags = values.flatMap((value) => ["--set", value]);
  const lint = ["lint", "--strict", "--kube-version", KUBE_VERSION, CHART, ...flags];
  const { stdout } = await run(helm, lint);
  expect(stdout).toContain("1 chart(s) linted, 0 chart(s) failed");
  expect(stdout).not.toMatch(/\[(?:WARNING|ERROR)\]/);
});

test.each([[[]], [EVERYTHING]])(
  "serve takes the file that the chart makes of %j",
  async (values) => {
    const folder = await mkdtemp(join(tmpdir(), "talos-discovery-chart-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "serve.yaml");
    const config = await renderedConfig(values);
    await writeFile(file, config);
    const { stdout } = await run(OUR_CLI, ["serve", "--config", file, "--print-config"]);
    expect(parse(stdout)).toMatchObject(parse(config));
  },
);

test("everything that can be switched on is there", async () => {
  const kinds = objectsOf(await template(helm, EVERYTHING)).map(({ kind }) => kind);
  expect(kinds.sort()).toEqual([
    ...[
      "ConfigMap",
      "ConfigMap",
      "Deployment",
      "Ingress",
      "NetworkPolicy",
      "PersistentVolumeClaim",
    ],
    ...["PodDisruptionBudget", "Service", "Service", "ServiceAccount", "ServiceMonitor"],
  ]);
});

test("files that are mounted are where the configuration says", async () => {
  const objects = objectsOf(await template(helm, EVERYTHING));
  const config = parse(await renderedConfig(EVERYTHING)) as Record<string, string>;
  const pod = objectOf(objects, "Deployment").spec.template.spec;
  const mounts: { name: string; mountPath: string; subPath?: string }[] =
    pod.containers[0].volumeMounts;
  const files = ["certificate-path", "key-path", "client-ca-path", "cluster-allow-list"];
  for (const name of [...files, "snapshot-path"]) {
    const path = config[name] ?? "";
    const folder = path.slice(0, path.lastIndexOf("/"));
    expect(mounts.map(({ mountPath }) => mountPath)).toContain(folder);
  }
  // A file that is mounted by subPath is never renewed.
  expect(mounts.every(({ subPath }) => subPath === undefined)).toBe(true);
  expect(mounts.map(({ name }) => name)).toEqual(
    pod.volumes.map(({ name }: { name: string }) => name),
  );
});

test("the selectors of services, policy, budget and monitor match the pod", async () => {
  const objects = objectsOf(await template(helm, EVERYTHING));
  const labels = objectOf(objects, "Deployment").spec.template.metadata.labels;
  const monitoring = objects.find(
    ({ kind, metadata }) => kind === "Service" && metadata.name.endsWith("-monitoring"),
  );
  for (const { kind, spec } of objects) {
    if (kind === "Service") expect(labels).toMatchObject(spec.selector);
    if (kind === "NetworkPolicy") expect(labels).toMatchObject(spec.podSelector.matchLabels);
    if (kind === "PodDisruptionBudget") expect(labels).toMatchObject(spec.selector.matchLabels);
    if (kind === "ServiceMonitor") {
      expect(monitoring?.metadata.labels).toMatchObject(spec.selector.matchLabels);
      const ports = monitoring?.spec.ports.map(({ name }: { name: string }) => name);
      expect(ports).toContain(spec.endpoints[0].port);
    }
  }
});

test.each([
  ["ClusterIP", [], undefined],
  ["LoadBalancer", [], "Local"],
  ["NodePort", [], "Local"],
  ["NodePort", ["service.externalTrafficPolicy=Cluster"], "Cluster"],
])("a service of type %s with %j has the traffic policy %s", async (type, values, policy) => {
  const objects = objectsOf(await template(helm, [`service.type=${type}`, ...values]));
  const services = objects.filter(({ kind, spec }) => kind === "Service" && spec.type === type);
  expect(services.map(({ spec }) => spec.externalTrafficPolicy)).toEqual([policy]);
});

test("the memory limit of the pod holds what the comment beside it says", async () => {
  const pod = objectOf(objectsOf(await template(helm)), "Deployment").spec.template.spec;
  const text: string = pod.containers[0].resources.limits.memory;
  const constrained = sizeFrom(1, 2 ** 40)(text);
  // V8 takes half of a container's memory for its heap.
  const machine = { constrained, heapLimit: constrained / 2 };
  const memory = { maxBytes: resolveMaxMemory(machine), isComputed: true, machine };
  const ceilings = memoryCeilings({ memory, limits: {}, serve: {} });
  expect(ceilings.nodes).toBeGreaterThan(3000);
  expect(await readFile(`${CHART}/values.yaml`, "utf8")).toMatch(/at 512Mi\n# 3,000 nodes /);
});

test("a change of the configuration starts a new pod", async () => {
  const checksum = async (values: readonly string[]) => {
    const { spec } = objectOf(objectsOf(await template(helm, values)), "Deployment");
    return spec.template.metadata.annotations["checksum/config"];
  };
  const before = await checksum([]);
  expect(await checksum(["config.max-clusters=7"])).not.toBe(before);
  expect(await checksum(["service.port=3333"])).toBe(before);
});

test.each([
  ["config.addr=:1", /addr/],
  ["config.Max=1", /Max/],
  ["image.repository=", /repository/],
  ["tls.secret=x", /secret/],
  ["service.type=Loadbalancer", /service\/type/],
  ["service.externalTrafficPolicy=", /externalTrafficPolicy/],
  ["allowList.clusterIds={two words}", /clusterIds/],
  ["tls.clientCaSecretName=x", /tls\.clientCaSecretName needs tls\.secretName/],
])("%s is refused", async (value, pattern) => {
  await expect(template(helm, [value])).rejects.toMatchObject({
    stderr: expect.stringMatching(pattern),
  });
});
