import { readFile, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { MemoryRegistry } from "../../../src/registry/index.ts";
import { createTestFolder, type TestFolder } from "../../harness/cli/test-folder.ts";
import {
  type RunningCommand,
  runCommand,
  startCommand,
  startUntilTestEnds,
} from "../../harness/cli/test-terminal.ts";
import { startService } from "../../harness/service/test-service.ts";

// Everything here happens at once; a busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 });

let folder: TestFolder;
let services: { readonly serving: RunningCommand; readonly url: string }[];
let env: Record<string, string>;

async function startServe(...more: string[]): Promise<{ serving: RunningCommand; url: string }> {
  const serving = startCommand(["serve", "--addr", "127.0.0.1:0", ...more]);
  return { serving, url: (await serving.printed(/^listening on (\S+)$/m))[1] ?? "" };
}

beforeAll(async () => {
  folder = await createTestFolder();
  services = [await startServe(), await startServe()];
  const path = folder.path("cluster.yaml");
  await runCommand(["cluster", "new", "--out", path]);
  env = { TALOS_DISCOVERY_CLUSTER_SECRET_FILE: path };
});

afterAll(async () => {
  for (const { serving } of services) {
    serving.interrupt();
    await serving.exitCode;
  }
  await folder[Symbol.asyncDispose]();
});

/** Joins through the first service, unless flags say otherwise; is interrupted at the latest when the test ends. */
function join(...more: string[]): RunningCommand {
  const named = more.includes("--service") ? [] : ["--service", services[0]?.url ?? ""];
  return startUntilTestEnds(["join", ...named, ...more], { env });
}

interface ListedAffiliate {
  readonly addresses: readonly string[];
  readonly nodename: string;
  readonly kubespan?: {
    readonly publicKey: string;
    readonly address: string;
    readonly endpoints: readonly string[];
  };
}

/** What a service has of the node with this name. */
async function listed(nodename: string, url = services[0]?.url): Promise<ListedAffiliate> {
  const argv = ["get", "affiliates", "--service", url ?? "", "-o", "jsonpath={.spec}"];
  const { stdout } = await runCommand(argv, { env });
  const specs = stdout
    .trim()
    .split("\n")
    .map((line): ListedAffiliate => JSON.parse(line));
  const found = specs.find((spec) => spec.nodename === nodename);
  if (found === undefined) throw new Error(`${nodename} is not in ${stdout}`);
  return found;
}

describe("join", () => {
  test("registers with every service, and leaves every one", async () => {
    const urls = services.map(({ url }) => url);
    const joined = join(...urls.flatMap((url) => ["--service", url]), "--nodename", "everywhere");
    for (const url of urls) await joined.printed(new RegExp(`registered \\w+ with ${url}`));
    for (const url of urls) expect((await listed("everywhere", url)).nodename).toBe("everywhere");
    joined.interrupt();
    expect(await joined.exitCode).toBe(0);
    for (const url of urls) await expect(listed("everywhere", url)).rejects.toThrow();
  });

  test("goes on with one service where the other is not there, and says which", async () => {
    const [{ url = "" } = {}] = services;
    const joined = join("--service", "http://127.0.0.1:1", "--service", url, "--nodename", "half");
    await joined.printed(new RegExp(`registered \\w+ with ${url}`));
    await joined.printed(/127\.0\.0\.1:1: .*ECONNREFUSED.*; again in /);
    await joined.printed(/^\+ {3}half /m);
    joined.interrupt();
    expect(await joined.exitCode).toBe(0);
  });

  test("publishes the machine's addresses that pass a filter", async () => {
    await join("--nodename", "all").printed(/registered/);
    const { addresses } = await listed("all");
    await join("--nodename", "none", "--address-filter", "192.0.2.128/25").printed(/registered/);
    expect((await listed("none")).addresses).toEqual([]);
    const v4 = ["--address-filter", "0.0.0.0/0"];
    await join("--nodename", "v4", ...v4).printed(/registered/);
    expect((await listed("v4")).addresses).toEqual(addresses.filter((ip) => !ip.includes(":")));
    await join("--nodename", "not-v4", "--address-filter", "!0.0.0.0/0").printed(/registered/);
    expect((await listed("not-v4")).addresses).toEqual(addresses.filter((ip) => ip.includes(":")));
  });

  test("is kept unrefreshed for 30 minutes, or for as long as it says", async () => {
    const registry = new MemoryRegistry();
    const update = vi.spyOn(registry, "update");
    const service = await startService({ registry });
    onTestFinished(() => service.close());
    await join("--service", service.url).printed(/registered/);
    await join("--service", service.url, "--ttl", "90s").printed(/registered/);
    const ttls = new Set(update.mock.calls.map(([{ ttlMs }]) => ttlMs));
    expect([...ttls]).toEqual([1_800_000, 90_000]);
  });

  test("with --kubespan publishes a key, an address in the mesh, and endpoints", async () => {
    const path = folder.path("kubespan-identity.yaml");
    const identityFlags = ["--kubespan", "--kubespan-identity", path];
    // Made beforehand: this machine may have no network card.
    const mac = "2e:1a:b6:53:81:69";
    const clusterFile = env.TALOS_DISCOVERY_CLUSTER_SECRET_FILE ?? "";
    const made = ["identity", "new", "--kubespan", "--mac", mac, "--out", path];
    await runCommand([...made, "--cluster-secret-file", clusterFile]);
    const identity = await readFile(path, "utf8");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const joined = join(
      ...[...identityFlags, "--nodename", "meshed"],
      ...["--address", "10.0.0.1", "--address", "fd00::1", "--address", "192.168.0.1"],
      ...["--endpoint-filter", "!192.168.0.0/16", "--kubespan-port", "51821"],
      ...["--endpoint", "203.0.113.1:4000"],
    );
    await joined.printed(/registered/);
    // Not the loopback address at which the service sees it.
    const { kubespan } = await listed("meshed");
    expect(kubespan?.endpoints).toEqual([
      ...["10.0.0.1:51821", "[fd00::1]:51821", "203.0.113.1:4000"],
    ]);
    expect(identity).toContain(`publicKey: ${kubespan?.publicKey}\n`);
    expect(identity).toContain(`address: ${kubespan?.address}/128\n`);
    const privateKey = /privateKey: (\S+)/.exec(identity)?.[1] ?? "";
    expect(joined.stdout() + joined.stderr()).not.toContain(privateKey);
  });

  test("names itself as on Kubernetes where that has a name of its own", async () => {
    await join("--hostname", "w-1.example").printed(/^\+ {3}w-1\.example /m);
    await join().printed(new RegExp(`^\\+ {3}${hostname()} `, "m"));
  });

  test.each([
    [["--address", "10.0.0.1", "--address-filter", "10.0.0.0/8"], "not with --address"],
    [["--address-filter", "nowhere"], "--address-filter: .*nowhere"],
    [["--kubespan"], "--kubespan-identity is missing"],
    [["--kubespan-identity", "here.yaml"], "--kubespan-identity: only with --kubespan"],
    [["--node-name", "w-1"], "--node-name: only with --kubeconfig"],
    [["--kubespan-port", "0"], "--kubespan-port: "],
  ])("of %j is a usage error", async (flags, message) => {
    const joining = join(...flags);
    expect(await joining.exitCode).toBe(2);
    expect(joining.stderr()).toMatch(new RegExp(`^talos-discovery: .*${message}.*\n$`));
  });

  test("refuses a KubeSpan identity of another cluster", async () => {
    const path = folder.path("other-kubespan-identity.yaml");
    const made = ["identity", "new", "--kubespan", "--mac", "2e:1a:b6:53:81:69", "--out", path];
    await runCommand([...made, "--cluster-id", "another"]);
    const joining = join("--kubespan", "--kubespan-identity", path);
    expect(await joining.exitCode).toBe(2);
    expect(joining.stderr()).toContain("made for another cluster");
  });
});
