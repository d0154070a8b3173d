import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, chmod, mkdir, open, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createTestFolder, type TestFolder } from "../../harness/cli/test-folder.ts";
import { MAIN, spawnCommand, untilPrinted } from "./command-process.ts";

// A process takes its time to start where several do so at once.
vi.setConfig({ testTimeout: 30_000 });

test.each(["SIGTERM", "SIGINT"] as const)("serve ends in order on %s", async (signal) => {
  const serving = spawnCommand(["serve", "--addr", "127.0.0.1:0"]);
  await untilPrinted(serving.stdout, /^listening on http:\/\/127\.0\.0\.1:\d+\n$/);
  const messages = text(serving.stderr);
  serving.kill(signal);
  expect(await once(serving, "exit")).toStrictEqual([0, null]);
  expect(await messages).toMatch(/stopped\n$/);
});

test("SIGHUP makes serve look at its files, and go on", async () => {
  const serving = spawnCommand(["serve", "--addr", "127.0.0.1:0"]);
  await untilPrinted(serving.stdout, /listening/);
  serving.kill("SIGHUP");
  await untilPrinted(serving.stderr, /looking at files again/);
  serving.kill("SIGTERM");
  expect(await once(serving, "exit")).toStrictEqual([0, null]);
});

test("a second signal ends serve at once, whatever is still going on", async () => {
  const serving = spawnCommand(["serve", "--addr", "127.0.0.1:0"]);
  const [, port] = await untilPrinted(serving.stdout, /:(\d+)\n$/);
  const caller = connect(Number(port), "127.0.0.1");
  onTestFinished(() => void caller.destroy());
  caller.on("error", () => {});
  // A call that never comes to its end; the answer shows that it has begun.
  caller.write(
    "POST /sidero.discovery.server.Cluster/Hello HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n" +
      "Content-Type: application/proto\r\nContent-Length: 10\r\n\r\n",
  );
  await untilPrinted(caller, /100 Continue/);
  serving.kill("SIGTERM");
  await untilPrinted(serving.stderr, /stopping/);
  serving.kill("SIGTERM");
  expect(await once(serving, "exit")).toStrictEqual([1, null]);
});

test("get -w of a file alone follows it until interrupted", async () => {
  await using folder = await createTestFolder();
  const hosts = await folder.file(
    "hosts.json",
    '[{ "hostname": "nas", "addresses": ["10.0.0.2"] }]',
  );
  const watching = spawnCommand(["get", "members", "-w", "--service", "off", "--static", hosts]);
  await untilPrinted(watching.stdout, /nas/);
  watching.kill("SIGINT");
  expect(await once(watching, "exit")).toStrictEqual([0, null]);
});

test("a reader that has seen enough is no failure", async () => {
  const help = spawnCommand(["--help"]);
  help.stdout.destroy();
  const messages = text(help.stderr);
  expect(await once(help, "exit")).toStrictEqual([0, null]);
  expect(await messages).toBe("");
});

test("a wrong command is one line on stderr and exit code 2", async () => {
  const wrong = spawnCommand(["get", "nodes"]);
  const [output, messages] = await Promise.all([text(wrong.stdout), text(wrong.stderr)]);
  expect(wrong.exitCode ?? (await once(wrong, "exit"))[0]).toBe(2);
  expect(output).toBe("");
  expect(messages).toBe(
    'talos-discovery: resource "nodes": is none of affiliates, members, identities, infos, kubespanidentities, kubespanpeerspecs, kubespanpeerstatuses, kubespanendpoints\n',
  );
});

test("a secret comes in through a pipe", async () => {
  const getting = spawnCommand([
    ...["get", "members", "--cluster-id", "c", "--cluster-secret-file", "-"],
    ...["--service", "http://127.0.0.1:1"],
  ]);
  const messages = text(getting.stderr);
  getting.stdin.end("not a secret\n");
  expect(await once(getting, "exit")).toStrictEqual([2, null]);
  expect(await messages).toMatch(/^talos-discovery: stdin: [^\n]*\n$/);
});

test("standard input is read no further than a file may be long", async () => {
  const getting = spawnCommand(["get", "members", "--config", "-"]);
  const messages = text(getting.stderr);
  getting.stdin.on("error", () => {});
  // Never ended: only a limit makes an end of it.
  for (const part of [16 * 1024 * 1024, 1]) getting.stdin.write(Buffer.alloc(part, " "));
  expect(await once(getting, "exit")).toStrictEqual([2, null]);
  expect(await messages).toBe("talos-discovery: stdin: is larger than 16 MiB\n");
});

test("one signal is enough while standard input is read", async () => {
  const getting = spawnCommand(["get", "members", "--config", "-"]);
  const messages = text(getting.stderr);
  // More than a pipe holds: what was written was read, so that the command is waiting for more.
  await new Promise((resolve) => getting.stdin.write(Buffer.alloc(512 * 1024, " "), resolve));
  getting.kill("SIGTERM");
  expect(await once(getting, "exit")).toStrictEqual([1, null]);
  expect(await messages).toBe("talos-discovery: stdin: stopped before its end\n");
});

const CLUSTER_ID = ["--cluster-id", "c", "--service", "http://127.0.0.1:1"];

/** Every input that a user names and that may be a FIFO, as a command line that reads it. */
const FIFO_READERS: Readonly<Record<string, (fifo: string, folder: TestFolder) => string[]>> = {
  "--config of get": (fifo) => ["get", "members", "--config", fifo],
  "--config of serve": (fifo) => ["serve", "--config", fifo],
  "--cluster-secret-file": (fifo) => [
    ...["get", "members", ...CLUSTER_ID],
    ...["--cluster-secret-file", fifo],
  ],
  "--ca-file": (fifo) => ["get", "members", ...CLUSTER_ID, "--ca-file", fifo],
  "--kubeconfig": (fifo) => ["get", "members", "--service", "off", "--kubeconfig", fifo],
  "--identity": (fifo) => ["get", "identities", "--identity", fifo],
  "--kubespan-identity": (fifo) => ["get", "kubespanidentities", "--kubespan-identity", fifo],
  "identity show": (fifo) => ["identity", "show", fifo],
  "identity show --kubespan": (fifo) => ["identity", "show", "--kubespan", fifo],
  "snapshot show": (fifo) => ["snapshot", "show", fifo],
};

describe.each(Object.entries(FIFO_READERS))("a FIFO as %s", (_name, argvOf) => {
  test.each(["SIGINT", "SIGTERM"] as const)("ends at one %s", async (signal) => {
    await using folder = await createTestFolder();
    const fifo = folder.path("fifo");
    await promisify(execFile)("mkfifo", [fifo]);
    const command = spawnCommand(argvOf(fifo, folder));
    const messages = text(command.stderr);
    // Resolves when the command has opened the other end; without data, nothing more happens there.
    const writer = await open(fifo, "w");
    command.kill(signal);
    expect(await once(command, "exit")).toStrictEqual([1, null]);
    await writer.close();
    expect(await messages).toMatch(
      /^talos-discovery: (\S+: stopped before its end|interrupted(; shown [^\n]*)?)\n$/,
    );
  });
});

test.each([
  ["--static", ["get", "members", "--service", "off", "--static"]],
  ["--cluster-allow-list", ["serve", "--addr", "127.0.0.1:0", "--cluster-allow-list"]],
  ["--snapshot-path", ["serve", "--addr", "127.0.0.1:0", "--snapshots-enabled", "--snapshot-path"]],
  [
    "--certificate-path",
    ["serve", "--addr", "127.0.0.1:0", "--key-path", "none", "--certificate-path"],
  ],
])("a FIFO as %s is refused at once: it is read again later", async (_name, argv) => {
  await using folder = await createTestFolder();
  const fifo = folder.path("fifo");
  await promisify(execFile)("mkfifo", [fifo]);
  const command = spawnCommand([...argv, fifo]);
  const messages = text(command.stderr);
  expect(await once(command, "exit")).toStrictEqual([2, null]);
  expect(await messages).toContain(`${fifo}: expected a regular file, found a FIFO\n`);
});

test("a FIFO that delivers is read like a file", async () => {
  await using folder = await createTestFolder();
  const fifo = folder.path("fifo");
  await promisify(execFile)("mkfifo", [fifo]);
  const getting = spawnCommand(["get", "infos", "--config", fifo, "-o", "json"]);
  const output = text(getting.stdout);
  await writeFile(fifo, "cluster:\n  id: from-a-fifo\n  clusterName: c\n");
  expect(await once(getting, "exit")).toStrictEqual([0, null]);
  expect(await output).toContain("from-a-fifo");
});

test("SIGUSR1 opens no inspector", async () => {
  const serving = spawnCommand(["serve", "--addr", "127.0.0.1:0"]);
  await untilPrinted(serving.stdout, /listening/);
  const messages = text(serving.stderr);
  serving.kill("SIGUSR1");
  serving.kill("SIGHUP");
  serving.kill("SIGTERM");
  expect(await once(serving, "exit")).toStrictEqual([0, null]);
  expect(await messages).not.toMatch(/[Dd]ebugger/);
});

test("an exec plugin is found beside its kubeconfig, and sees no setting of ours", async () => {
  await using folder = await createTestFolder();
  const kubeconfig = {
    clusters: [
      {
        name: "c",
        cluster: { server: "http://127.0.0.1:1", "insecure-skip-tls-verify": true },
      },
    ],
    users: [
      {
        name: "u",
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1",
            command: "./plugin.sh",
            env: [{ name: "GIVEN", value: "by the file" }],
          },
        },
      },
    ],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  await folder.file("kc.yaml", JSON.stringify(kubeconfig));
  await folder.file("plugin.sh", "#!/bin/sh\nenv >seen\nexit 1\n");
  await mkdir(folder.path("path"));
  await folder.file("path/plugin.sh", "#!/bin/sh\ntouch wrong\nexit 1\n");
  for (const name of ["plugin.sh", "path/plugin.sh"]) await chmod(folder.path(name), 0o755);
  const argv = ["get", "members", "--service", "off", "--kubeconfig", "kc.yaml"];
  const getting = spawn(process.execPath, [MAIN, ...argv], {
    cwd: folder.path("."),
    env: {
      ...process.env,
      PATH: `${folder.path("path")}:${process.env.PATH}`,
      TALOS_DISCOVERY_CLUSTER_SECRET: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
      TALOS_DISCOVERY_CLUSTER_ID: "c",
    },
  });
  expect(await once(getting, "exit")).toStrictEqual([1, null]);
  const seen = await readFile(folder.path("seen"), "utf8");
  expect(seen).toMatch(/^GIVEN=by the file$/m);
  expect(seen).not.toContain("TALOS_DISCOVERY_");
  await expect(access(folder.path("wrong"))).rejects.toThrow("ENOENT");
});
