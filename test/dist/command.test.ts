/**
 * The installed command: what `npx` runs, on the oldest and the newest Node; a service, a node that joins, and the tables.
 * @module
 */
import { execFile } from "node:child_process";
import { realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, inject, test } from "vitest";
import { parse } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import { startExample } from "./running-example.ts";

const run = promisify(execFile);
const { folder } = inject("packageUnderTest");
const tools = inject("tools");
const command = await realpath(join(folder, "node_modules/.bin/talos-discovery"));

describe("npx talos-discovery", () => {
  const npx = (...args: string[]) => run("npx", ["talos-discovery", ...args], { cwd: folder });

  test("explains itself", async () => {
    const { stdout } = await npx("--help");
    expect(stdout).toMatch(/^Usage: talos-discovery/);
    for (const name of ["serve", "get", "join", "cluster", "identity"])
      expect(stdout).toContain(name);
  });

  test("says its version", async () => {
    expect((await npx("--version")).stdout).toContain(manifest.version);
  });

  test("ends with 2 on a command that is not there", async () => {
    await expect(npx("nonsense")).rejects.toMatchObject({ code: 2, stdout: "" });
  });
});

test.each(["node22", "node24", "node26"] as const)(
  "on %s: makes a cluster and an identity",
  async (name) => {
    const cluster = await run(tools[name], [command, "cluster", "new"]);
    const { clusterID, clusterSecret } = parse(cluster.stdout) as Record<string, string>;
    for (const text of [clusterID, clusterSecret]) {
      expect(Buffer.from(text ?? "", "base64")).toHaveLength(32);
    }
    const file = join(folder, `identity-${name}.yaml`);
    await run(tools[name], [command, "identity", "new", "--out", file]);
    const shown = await run(tools[name], [command, "identity", "show", file]);
    expect(shown.stdout).toMatch(/[A-Za-z0-9]{43,}/);
  },
);

test("a node joins a service and is a member, and is none after it has left", async () => {
  const secretFile = join(folder, "cluster.yaml");
  await writeFile(secretFile, (await run(command, ["cluster", "new"])).stdout, { mode: 0o600 });
  const service = startExample(
    command,
    {
      TALOS_DISCOVERY_SNAPSHOTS_ENABLED: "false",
      TALOS_DISCOVERY_LANDING_ADDR: "off",
      TALOS_DISCOVERY_METRICS_ADDR: "off",
    },
    ["serve", "--addr", "127.0.0.1:0"],
  );
  const url = (await service.line(/^listening on /)).slice("listening on ".length);
  const access = ["--service", url, "--cluster-secret-file", secretFile];
  const members = async () => {
    const { stdout } = await run(command, ["get", "members", "-o", "json", ...access]);
    return stdout;
  };

  const name = ["--nodename", "worker-1", "--address", "192.0.2.1"];
  const node = startExample(command, {}, ["join", ...name, ...access]);
  await node.line(/worker-1/);
  expect(JSON.parse(await members())).toMatchObject({
    metadata: { id: "worker-1", type: expect.stringMatching(/Member/) },
    spec: { addresses: ["192.0.2.1"] },
  });
  node.stop();
  expect(await node.exit()).toMatchObject({ code: 0 });
  expect(await members()).toBe("");
  service.stop();
  expect(await service.exit()).toMatchObject({ code: 0 });
});
