import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createTestFolder, type TestFolder } from "../../harness/cli/test-folder.ts";
import {
  type RunCommandOptions,
  type RunningCommand,
  runCommand,
  startCommand,
  startUntilTestEnds,
} from "../../harness/cli/test-terminal.ts";
import { startSilence } from "../../harness/net/silent-server.ts";

// Everything here happens at once; a busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 });

const OTHER_SECRET = "hHXcBoKBUyuMkdaj2Srbp1QYxiIWJEvQUsUJJFwGfIk=";
const OS = "Talos (v1.15.0)";

let folder: TestFolder;
let serving: RunningCommand;
let service: string;

beforeAll(async () => {
  folder = await createTestFolder();
  serving = startCommand(["serve", "-addr=127.0.0.1:0", "-debug=false"]);
  service = (await serving.printed(/^listening on (http:\/\/127\.0\.0\.1:\d+)$/m))[1] ?? "";
});

afterAll(async () => {
  serving.interrupt();
  expect(await serving.exitCode).toBe(0);
  expect(serving.stderr()).toMatch(
    / info {2}serving .*\n.* info {2}stopping\n.* info {2}stopped\n$/s,
  );
  await folder[Symbol.asyncDispose]();
});

/** A cluster of its own, as an environment. */
async function createCluster(name: string): Promise<{ env: Record<string, string> }> {
  const path = folder.path(name);
  await runCommand(["cluster", "new", "--out", path]);
  return {
    env: { TALOS_DISCOVERY_SERVICE: service, TALOS_DISCOVERY_CLUSTER_SECRET_FILE: path },
  };
}

function join(cluster: RunCommandOptions, name: string, ...more: string[]): RunningCommand {
  const argv = ["join", "--hostname", name, "--os", OS, "--address", "10.0.0.1", ...more];
  return startUntilTestEnds(argv, cluster);
}

describe("get", () => {
  test("of an empty cluster prints the header alone", async () => {
    expect(await runCommand(["get", "members"], await createCluster("empty"))).toStrictEqual({
      exitCode: 0,
      stdout: "ID   VERSION   HOSTNAME   MACHINE TYPE   OS   ADDRESSES\n",
      stderr: "",
    });
  });

  test("shows who has joined, in every format and under every name", async () => {
    const cluster = await createCluster("formats");
    const identity = folder.path("formats-identity.yaml");
    const controlPlane = join(
      cluster,
      "cp-1",
      ...["--type", "controlplane", "--control-plane-port", "6443"],
      ...["--address", "FD00:0::1", "--endpoint", "10.0.0.1:51820", "--identity", identity],
    );
    await controlPlane.printed(/registered/);
    await join(cluster, "w-1.example", "--nodename", "w-1").printed(/registered/);
    const nodeId = /nodeId: (\w+)/.exec(await readFile(identity, "utf8"))?.[1];

    const members = await runCommand(["get", "members"], cluster);
    expect(members).toStrictEqual({
      exitCode: 0,
      stdout:
        `ID     VERSION   HOSTNAME      MACHINE TYPE   OS                ADDRESSES\n` +
        `cp-1   1         cp-1          controlplane   ${OS}   ["10.0.0.1","fd00::1"]\n` +
        `w-1    1         w-1.example   worker         ${OS}   ["10.0.0.1"]\n`,
      stderr: "",
    });
    for (const name of ["member", "m", "Members", "members.cluster.talos.dev"]) {
      expect((await runCommand(["get", name], cluster)).stdout).toBe(members.stdout);
    }

    const affiliates = await runCommand(["get", "affiliate", nodeId ?? "", "-o", "wide"], cluster);
    expect(affiliates.stdout).toMatch(
      /^NAMESPACE {3}TYPE {8}ID +VERSION +HOSTNAME +MACHINE TYPE +/,
    );
    expect(affiliates.stdout).toContain(`\ncluster     Affiliate   ${nodeId}   1 `);
    expect(affiliates.stdout.split("\n")).toHaveLength(3);

    const yaml = await runCommand(["get", "a", nodeId ?? "", "-o", "yaml"], cluster);
    expect(yaml.stdout).toContain(`node: ${service.slice("http://".length)}\n`);
    expect(yaml.stdout).toContain("        endpoints:\n            - 10.0.0.1:51820\n");
    expect(yaml.stdout).toContain("    controlPlane:\n        port: 6443\n");

    const json = await runCommand(["get", "member", "w-1", "-o", "json"], cluster);
    expect(JSON.parse(json.stdout)).toMatchObject({
      metadata: { id: "w-1", type: "Members.cluster.talos.dev", version: 1 },
      spec: { hostname: "w-1.example", machineType: "worker" },
    });

    const template = 'jsonpath={.metadata.id} {.spec.addresses[0]}{"\\n"}';
    expect((await runCommand(["get", "members", "-o", template], cluster)).stdout).toBe(
      "cp-1 10.0.0.1\nw-1 10.0.0.1\n",
    );

    expect(await runCommand(["get", "member", "w-2"], cluster)).toStrictEqual({
      exitCode: 1,
      stdout: "",
      stderr: 'talos-discovery: members "w-2": not found\n',
    });
  });

  test("publishes nothing", async () => {
    const cluster = await createCluster("unpublished");
    const watching = startUntilTestEnds(["get", "affiliates", "--watch"], cluster);
    await watching.printed(/no affiliates yet/);
    await runCommand(["get", "members"], cluster);
    await join(cluster, "w-1").printed(/registered/);
    await watching.printed(/^\+ .*w-1/m);
    expect(watching.stdout().match(/^[+]/gm)).toHaveLength(1);
  });

  test("says how many did not open, and fails when none did", async () => {
    const cluster = await createCluster("secrets");
    const document = await readFile(folder.path("secrets"), "utf8");
    const clusterId = /clusterID: (\S+)/.exec(document)?.[1] ?? "";
    const stranger = {
      env: {
        TALOS_DISCOVERY_SERVICE: service,
        TALOS_DISCOVERY_CLUSTER_ID: clusterId,
        TALOS_DISCOVERY_CLUSTER_SECRET: OTHER_SECRET,
      },
    };
    await join(cluster, "w-1").printed(/registered/);
    expect(await runCommand(["get", "members"], stranger)).toStrictEqual({
      exitCode: 1,
      stdout: "",
      stderr: "talos-discovery: 1 of 1 affiliates did not open: sealed with another secret\n",
    });

    await join(stranger, "w-2").printed(/registered/);
    const { exitCode, stdout, stderr } = await runCommand(["get", "members"], stranger);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^w-2 /m);
    expect(stderr).toBe(
      "talos-discovery: 1 of 2 affiliates did not open: sealed with another secret\n",
    );
  });

  test("fails at once where nobody listens, and names the service", async () => {
    const argv = ["get", "members", "--service", "http://127.0.0.1:1"];
    const { exitCode, stdout, stderr } = await runCommand(argv, await createCluster("nobody"));
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(
      /^talos-discovery: http:\/\/127\.0\.0\.1:1: [^\n]*ECONNREFUSED[^\n]*\n$/,
    );
  });
});

describe("a service that accepts and never answers", () => {
  test("makes get fail when its time is over", async () => {
    const url = await startSilence();
    const argv = ["get", "members", "--service", url, "--timeout", "200ms"];
    expect(await runCommand(argv, await createCluster("silent"))).toStrictEqual({
      exitCode: 1,
      stdout: "",
      stderr: `talos-discovery: ${url}: no answer within 0.2 s; talos-discovery diagnose tells more\n`,
    });
  });

  test("does not keep get from being interrupted", async () => {
    const getting = startUntilTestEnds(
      ["get", "members", "--service", await startSilence()],
      await createCluster("interrupted"),
    );
    getting.interrupt();
    expect(await getting.exitCode).toBe(1);
    expect(getting.stderr()).toBe("talos-discovery: interrupted\n");
  });
});

describe("a watch", () => {
  test("shows who comes, who changes and who goes, until it is interrupted", async () => {
    const cluster = await createCluster("watched");
    const identity = ["--identity", folder.path("watched-identity.yaml")];
    const watching = startUntilTestEnds(["get", "members", "-w"], cluster);
    await watching.printed(/no members yet/);
    const first = join(cluster, "w-1", ...identity);
    await watching.printed(/^\+ /m);
    // The same node again: what it publishes now takes the place of what it published before.
    const second = join(cluster, "w-1", ...identity, "--address", "10.0.0.2");
    await watching.printed(/^ {4}w-1/m);
    second.interrupt();
    await watching.printed(/^- /m);
    watching.interrupt();
    expect(await watching.exitCode).toBe(0);
    expect(watching.stdout()).toBe(
      `*   ID    VERSION   HOSTNAME   MACHINE TYPE   OS                ADDRESSES\n` +
        `+   w-1   1         w-1        worker         ${OS}   ["10.0.0.1"]\n` +
        `    w-1   2         w-1        worker         ${OS}   ["10.0.0.1","10.0.0.2"]\n` +
        `-   w-1   2         w-1        worker         ${OS}   ["10.0.0.1","10.0.0.2"]\n`,
    );
    first.interrupt();
  });

  test("tells times of what it saw happen, and of nothing else", async () => {
    const cluster = await createCluster("times");
    await join(cluster, "w-1").printed(/registered/);
    const watching = startUntilTestEnds(["get", "members", "-w", "-o", "yaml"], cluster);
    await watching.printed(/id: w-1/);
    expect(watching.stdout()).not.toContain('created: "');
    join(cluster, "w-2");
    await watching.printed(/event: created\n(?:[^-]*\n)*? {4}id: w-2\n/);
    await watching.printed(/created: "\d{4}-/);
  });

  test("goes on trying where nobody listens, and says so", async () => {
    const argv = ["get", "members", "-w", "--service", "http://127.0.0.1:1"];
    const watching = startUntilTestEnds(argv, await createCluster("patient"));
    await watching.printed(/^talos-discovery: .*ECONNREFUSED.*; again in \d+\.\d s$/m);
    watching.interrupt();
    expect(await watching.exitCode).toBe(0);
    expect(watching.stdout()).toBe("");
  });
});

describe("join", () => {
  test("shows the members as they come and go, itself among them, and leaves when it is interrupted", async () => {
    const cluster = await createCluster("joined");
    const first = join(cluster, "w-1");
    await first.printed(/registered \w{43,45} with http:\/\/\S+, which sees us at 127\.0\.0\.1/);
    await first.printed(/^\+ {3}w-1 /m);
    const second = join(cluster, "w-2");
    await first.printed(/^\+ {3}w-2 /m);
    await second.printed(/^\+ {3}w-1 /m);
    second.interrupt();
    expect(await second.exitCode).toBe(0);
    expect(second.stderr()).toMatch(/talos-discovery: left the cluster\n$/);
    await first.printed(/^- {3}w-2 /m);
  });

  test("makes an identity where there is none, and keeps it", async () => {
    const cluster = await createCluster("kept");
    const path = folder.path("kept-identity.yaml");
    const ids: (string | undefined)[] = [];
    for (let round = 0; round < 2; round++) {
      const joined = join(cluster, "w-1", "--identity", path);
      ids.push((await joined.printed(/registered (\w+)/))[1]);
      joined.interrupt();
      await joined.exitCode;
    }
    expect(ids[0]).toBe(ids[1]);
    expect(await readFile(path, "utf8")).toBe(`nodeId: ${ids[0]}\n`);
  });

  test("makes no identity for a command that is wrong", async () => {
    const path = folder.path("wrong-identity.yaml");
    const argv = ["join", "--identity", path, "--address", "nowhere"];
    expect((await runCommand(argv, await createCluster("wrong"))).exitCode).toBe(2);
    await expect(readFile(path)).rejects.toThrow("ENOENT");
  });

  test("says so and fails where the service is gone when it leaves", async () => {
    const server = startUntilTestEnds(["serve", "--addr", "127.0.0.1:0"]);
    const [, url = ""] = await server.printed(/^listening on (\S+)$/m);
    const joined = join(await createCluster("gone"), "w-1", "--service", url);
    await joined.printed(/registered/);
    server.interrupt();
    await server.exitCode;
    await joined.printed(/again in/);
    joined.interrupt();
    expect(await joined.exitCode).toBe(1);
    expect(joined.stderr()).toMatch(/it forgets this machine when its time is over\n$/);
  });

  test("without flags tells what the system knows: its name and the addresses that others may reach", async () => {
    const cluster = await createCluster("defaults");
    await startUntilTestEnds(["join"], cluster).printed(/registered/);
    const { stdout } = await runCommand(["get", "affiliates", "-o", "json"], cluster);
    const { spec } = JSON.parse(stdout);
    expect(spec.hostname).not.toBe("");
    expect(spec.nodename).toBe(spec.hostname);
    expect(spec.machineType).toBe("worker");
    expect(
      spec.addresses.filter((ip: string) => /^(127\.|::1$|fe80:|169\.254\.)/.test(ip)),
    ).toEqual([]);
  });

  test("interrupted before any service answered it just ends", async () => {
    const joining = join(await createCluster("early"), "w-1", "--service", "http://127.0.0.1:1");
    await joining.printed(/again in/);
    joining.interrupt();
    expect(await joining.exitCode).toBe(0);
  });
});

describe("serve", () => {
  test("with a certificate speaks TLS, which get believes with its CA only", async () => {
    const tls = (name: string) => new URL(`../../fixtures/tls/${name}`, import.meta.url).pathname;
    const server = startUntilTestEnds([
      ...["serve", "--addr", "127.0.0.1:0"],
      ...["--certificate-path", tls("server.pem"), "--key-path", tls("server-key.pem")],
    ]);
    const [, url = ""] = await server.printed(/^listening on (https:\S+)$/m);
    const cluster = await createCluster("tls");
    const get = ["get", "members", "--service", url];
    expect((await runCommand([...get, "--ca-file", tls("ca.pem")], cluster)).exitCode).toBe(0);
    const { exitCode, stderr } = await runCommand(get, cluster);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^talos-discovery: https:[^\n]*certificate[^\n]*\n$/);
  });

  test("with --debug logs each call, as text or as JSON like the reference, without secrets", async () => {
    const server = startUntilTestEnds([
      "serve",
      "--addr",
      "127.0.0.1:0",
      "--debug",
      "--log-format",
      "json",
    ]);
    const [, url = ""] = await server.printed(/^listening on (\S+)$/m);
    const cluster = await createCluster("logged");
    await runCommand(["get", "members", "--service", url], cluster);
    await server.printed(/Cluster\/Watch/);
    const lines = server.stderr().trim().split("\n");
    const hello = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg.endsWith("/Hello"));
    expect(hello).toStrictEqual({
      level: "debug",
      ts: expect.any(Number),
      msg: "/sidero.discovery.server.Cluster/Hello",
      duration: expect.any(Number),
      code: "OK",
      "peer.address": "127.0.0.1",
      cluster_id: expect.stringMatching(/^#[0-9a-f]{12}$/),
      client_version: expect.stringMatching(/^v\d/),
    });
    const secret = /clusterSecret: (\S+)/.exec(await readFile(folder.path("logged"), "utf8"))?.[1];
    expect(server.stderr()).not.toContain(secret);
  });

  test("redirects, and get follows", async () => {
    const redirecting = startUntilTestEnds([
      ...["serve", "--addr", "127.0.0.1:0"],
      ...["--redirect-endpoint", service.slice("http://".length)],
    ]);
    const [, url = ""] = await redirecting.printed(/^listening on (\S+)$/m);
    const cluster = await createCluster("redirected");
    await join(cluster, "w-1").printed(/registered/);
    const { stdout } = await runCommand(["get", "members", "--service", url], cluster);
    expect(stdout).toMatch(/^w-1 /m);
  });

  test("on a port that is taken fails with one line", async () => {
    const address = service.slice("http://".length);
    const { exitCode, stdout, stderr } = await runCommand(["serve", "--addr", address]);
    expect(stderr).toBe(`talos-discovery: cannot listen on ${address}: the port is in use\n`);
    expect(stdout).toBe("");
    expect(exitCode).toBe(1);
  });
});
