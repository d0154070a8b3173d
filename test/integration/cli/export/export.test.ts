import { chmod, lstat, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { generateClusterSecret } from "../../../../src/crypto/index.ts";
import type { DiscoveryServer } from "../../../../src/node/serve.ts";
import { createTestFolder, type TestFolder } from "../../../harness/cli/test-folder.ts";
import { runCommand, startUntilTestEnds } from "../../../harness/cli/test-terminal.ts";
import { createTestCluster } from "../../../harness/cluster/published-nodes.ts";
import { unusedPort } from "../../../harness/net/unused-port.ts";
import { startService } from "../../../harness/service/test-service.ts";

let first: DiscoveryServer;
let second: DiscoveryServer;
let folder: TestFolder;

beforeAll(async () => {
  [first, second, folder] = await Promise.all([startService(), startService(), createTestFolder()]);
});

afterAll(async () => {
  await Promise.all([first.close(), second.close()]);
  await folder[Symbol.asyncDispose]();
});

const WORKER = { nodename: "worker-1", machineType: "worker", addresses: ["10.0.0.1", "fd00::1"] };

describe("export", () => {
  test("prints the members that any service knows", async () => {
    const cluster = createTestCluster();
    await cluster.publish(first, WORKER);
    await cluster.publish(second, { ...WORKER, nodename: "worker-2", addresses: ["10.0.0.2"] });
    await cluster.publish(second, { hostname: "no-member", addresses: ["10.0.0.3"] });
    const both = cluster.environment(first, second);
    expect(await runCommand(["export", "hosts"], both)).toStrictEqual({
      exitCode: 0,
      stdout:
        "# BEGIN talos-discovery\n10.0.0.1\tworker-1\n10.0.0.2\tworker-2\n# END talos-discovery\n",
      stderr: "",
    });
    const { stdout, stderr } = await runCommand(
      ["export", "prometheus", "--family", "6", "--port", "10250"],
      both,
    );
    expect(JSON.parse(stdout)).toMatchObject([{ targets: ["[fd00::1]:10250"] }]);
    expect(stderr).toBe(
      "talos-discovery: left out, without an address that is asked for: worker-2\n",
    );
  });

  test("gives a terminal, a pipe, a file and a port nothing to obey", async () => {
    const cluster = createTestCluster();
    await cluster.publish(first, { ...WORKER, nodename: "a\u001b[2J\u009b", hostname: "b\rc" });
    const { env = {} } = cluster.environment(first);
    const shown = /\r\na\\u001b\[2J\\u009b,\w+,b\\u000dc,[^\n]+\r\n$/;
    for (const isTerminal of [true, false]) {
      const { stdout } = await runCommand(["export", "csv"], { env, isTerminal });
      expect(stdout).toMatch(shown);
    }
    for (const flags of [[], ["--watch"]]) {
      const path = folder.path(`obeyed${flags}.csv`);
      startUntilTestEnds(["export", "csv", "--out", path, ...flags], { env });
      await expect.poll(() => readFile(path, "utf8").catch(() => "")).toMatch(shown);
    }
    const serving = startUntilTestEnds(["export", "prometheus", "--serve", "0"], { env });
    const [, url = ""] = await serving.printed(/^listening on (.*)$/m);
    const labels = async () => {
      const response = await fetch(url);
      const text = await response.text();
      return response.ok ? JSON.parse(text)[0].labels : {};
    };
    await expect.poll(labels).toMatchObject({
      __meta_talos_node_name: "a\\u001b[2J\\u009b",
      __meta_talos_hostname: "b\\u000dc",
    });
  });

  test("of a cluster without members is empty, and says so", async () => {
    const nobody = createTestCluster().environment(first);
    expect(await runCommand(["export", "prometheus"], nobody)).toStrictEqual({
      exitCode: 0,
      stdout: "[]\n",
      stderr: "talos-discovery: the cluster has no members\n",
    });
  });

  test("with a service that is down has what the other knows; with none it fails", async () => {
    const cluster = createTestCluster();
    await cluster.publish(first, WORKER);
    const down = await startService({ port: await unusedPort() });
    await down.close();
    const half = await runCommand(["export", "csv"], cluster.environment(first, down));
    expect(half.exitCode).toBe(0);
    expect(half.stdout.split("\r\n")).toHaveLength(3);
    expect(half.stderr).toContain("ECONNREFUSED");
    const path = await folder.file("kept.csv", "as it was");
    const none = await runCommand(["export", "csv", "--out", path], cluster.environment(down));
    expect([none.exitCode, none.stdout]).toStrictEqual([1, ""]);
    expect(await readFile(path, "utf8")).toBe("as it was");
  });

  test.for([
    [["csv", "--watch"], "--watch: needs --out, the file to keep up to date"],
    [["prometheus", "--serve", "9101", "--out", "x"], "--serve: not with --out"],
    [["prometheus", "--serve", "9101", "--timeout", "1s"], "--timeout: not with --serve"],
    [["prometheus", "--serve", "somewhere"], /^--serve: "somewhere" is no address such as/],
    [["hosts", "--port", "1"], /^unknown option '--port'/],
    [["csv", "--serve", "9101"], /^unknown option '--serve'/],
    [["ansible", "--list", "--host", "x"], "--host: not with --list"],
  ] as const)("refuses %o", async ([argv, message]) => {
    const nobody = createTestCluster().environment(first);
    const { exitCode, stderr } = await runCommand(["export", ...argv], nobody);
    expect(exitCode).toBe(2);
    const line = stderr.replace("talos-discovery: ", "").trimEnd();
    if (typeof message === "string") expect(line).toBe(message);
    else expect(line).toMatch(message);
  });
});

describe("export --out", () => {
  test("writes a file only when it would differ", async () => {
    const cluster = createTestCluster();
    await cluster.publish(first, WORKER);
    const path = folder.path("new/targets.json");
    const argv = ["export", "prometheus", "--out", path];
    const one = await runCommand(argv, cluster.environment(first));
    expect(one).toStrictEqual({
      exitCode: 0,
      stdout: "",
      stderr: `talos-discovery: ${path}: written, 1 member\n`,
    });
    expect(JSON.parse(await readFile(path, "utf8"))).toHaveLength(1);
    const before = await stat(path, { bigint: true });
    const two = await runCommand(argv, cluster.environment(first));
    expect(two.stderr).toBe(`talos-discovery: ${path}: nothing has changed, 1 member\n`);
    const after = await stat(path, { bigint: true });
    expect([after.ino, after.mtimeNs]).toStrictEqual([before.ino, before.mtimeNs]);
  });

  test("keeps a file's permissions, links, and what else is in it", async () => {
    const cluster = createTestCluster();
    await cluster.publish(first, WORKER);
    const path = await folder.file("hosts", "127.0.0.1 localhost\n");
    await chmod(path, 0o664);
    await symlink(path, folder.path("link"));
    const argv = ["export", "hosts", "--out", folder.path("link")];
    expect((await runCommand(argv, cluster.environment(first))).exitCode).toBe(0);
    expect(await readFile(path, "utf8")).toBe(
      "127.0.0.1 localhost\n# BEGIN talos-discovery\n10.0.0.1\tworker-1\n# END talos-discovery\n",
    );
    expect((await stat(path)).mode & 0o777).toBe(0o664);
    expect((await lstat(folder.path("link"))).isSymbolicLink()).toBe(true);
    await symlink("new/not-yet", folder.path("ahead"));
    const ahead = ["export", "hosts", "--out", folder.path("ahead")];
    expect((await runCommand(ahead, cluster.environment(first))).exitCode).toBe(0);
    expect((await lstat(folder.path("ahead"))).isSymbolicLink()).toBe(true);
    expect(await readFile(folder.path("new/not-yet"), "utf8")).toContain("worker-1");
    expect((await readdir(folder.path("."))).filter((name) => name.includes("saving"))).toEqual([]);
  });

  test("makes a file with keys readable by its owner alone, others by all, and so their folders", async () => {
    const cluster = createTestCluster();
    const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
    for (const [format, fileMode, folderMode] of [
      ["talosconfig", 0o600, 0o700],
      ["csv", 0o644, 0o755],
    ] as const) {
      const path = folder.path(`modes-${format}/file`);
      await runCommand(["export", format, "--out", path], cluster.environment(first));
      expect(await modeOf(path)).toBe(fileMode & ~process.umask());
      expect(await modeOf(dirname(path))).toBe(folderMode & ~process.umask());
    }
  });

  test("leaves a file alone that it cannot be put into, and says which", async () => {
    const cluster = createTestCluster();
    const path = await folder.file("half", "# BEGIN talos-discovery\n");
    const half = await runCommand(["export", "hosts", "--out", path], cluster.environment(first));
    expect(half.exitCode).toBe(1);
    expect(half.stderr).toContain(`talos-discovery: ${path}: expected one line`);
    const latin = folder.path("latin-1");
    await writeFile(latin, Buffer.from("# caf\u00e9\n", "latin1"));
    const foreign = await runCommand(
      ["export", "hosts", "--out", latin],
      cluster.environment(first),
    );
    expect(foreign.stderr).toContain(`${latin}: is not text in UTF-8, and is left as it is\n`);
    expect(foreign.exitCode).toBe(1);
    expect(await readFile(latin, "latin1")).toBe("# caf\u00e9\n");
    const directory = await runCommand(
      ["export", "csv", "--out", folder.path(".")],
      cluster.environment(first),
    );
    expect(directory.exitCode).toBe(1);
    expect(directory.stderr).toMatch(/: is not a file\n$/);
  });
});

describe("export --out --watch", () => {
  test("writes each change, and keeps the file while services are down", async () => {
    const cluster = createTestCluster();
    const dying = await startService({ port: await unusedPort() });
    const path = folder.path("watched.csv");
    const names = async () =>
      (await readFile(path, "utf8").catch(() => ""))
        .split("\r\n")
        .slice(1, -1)
        .map((row) => row.slice(0, row.indexOf(",")));
    const nodeId = await cluster.publish(dying, WORKER);
    const watching = startUntilTestEnds(
      ["export", "csv", "--out", path, "--watch"],
      cluster.environment(dying),
    );
    await expect.poll(names).toStrictEqual(["worker-1"]);
    await cluster.publish(dying, { ...WORKER, nodename: "worker-2" });
    await expect.poll(names).toStrictEqual(["worker-1", "worker-2"]);
    await cluster.publish(dying, { ...WORKER, nodename: "worker-9", nodeId });
    await expect.poll(names).toStrictEqual(["worker-2", "worker-9"]);
    await dying.close();
    await watching.printed(/again in \d/);
    expect(await names()).toStrictEqual(["worker-2", "worker-9"]);
    watching.interrupt();
    expect(await watching.exitCode).toBe(0);
    expect(await names()).toStrictEqual(["worker-2", "worker-9"]);
  });

  test("keeps nodes of a service that comes back without them, until they could have told it again", async () => {
    const cluster = createTestCluster();
    const forgetful = { port: await unusedPort() };
    const path = folder.path("forgotten.csv");
    const before = await startService(forgetful);
    await cluster.publish(before, WORKER);
    const watching = startUntilTestEnds(
      ["export", "csv", "--out", path, "--watch"],
      cluster.environment(before),
    );
    await watching.printed(/written, 1 member\n/);
    await before.close();
    await watching.printed(/again in \d/);
    const after = await startService(forgetful);
    await cluster.publish(after, { ...WORKER, nodename: "worker-2" });
    await watching.printed(/written, 2 members\n/);
    expect(await readFile(path, "utf8")).toMatch(/^worker-1,.*\r\nworker-2,/m);
    watching.interrupt();
    await watching.exitCode;
    await after.close();
    expect(watching.stderr()).not.toContain("0 members");
  });

  test("begins with what is there when no service answers, or nothing opens", async () => {
    const cluster = createTestCluster();
    const path = await folder.file("unanswered.csv", "as it was");
    const down = await startService({ port: await unusedPort() });
    await down.close();
    const waiting = startUntilTestEnds(
      ["export", "csv", "--out", path, "-w"],
      cluster.environment(down),
    );
    await waiting.printed(/ECONNREFUSED.*again in/);
    await cluster.publish(first, { ...WORKER, secret: generateClusterSecret() });
    const shut = startUntilTestEnds(
      ["export", "csv", "--out", path, "-w"],
      cluster.environment(first),
    );
    await shut.printed(/1 of 1 affiliates did not open: sealed with another secret/);
    expect(await readFile(path, "utf8")).toBe("as it was");
    await cluster.publish(first, WORKER);
    await expect.poll(() => readFile(path, "utf8")).toContain("worker-1");
  });

  test("of a file that cannot be written ends with an error", async () => {
    const cluster = createTestCluster();
    const path = await folder.file("no-folder", "");
    const { exitCode, stderr } = await runCommand(
      ["export", "csv", "--out", `${path}/targets`, "--watch"],
      cluster.environment(first),
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${path}/targets: a part of the path is no directory\n`);
  });
});

describe("export prometheus --serve", () => {
  test("answers with the targets of now as JSON, and stops when it is interrupted", async () => {
    const cluster = createTestCluster();
    await cluster.publish(first, WORKER);
    const serving = startUntilTestEnds(
      ["export", "prometheus", "--serve", "0"],
      cluster.environment(first),
    );
    const [, url] = await serving.printed(/^listening on (http:\/\/127\.0\.0\.1:\d+)$/m);
    const targets = async (path: string) => {
      const response = await fetch(`${url}${path}`);
      return response.ok
        ? (await response.json()).flatMap((group: { targets: string[] }) => group.targets)
        : response.status;
    };
    await expect.poll(() => targets("/targets")).toStrictEqual(["10.0.0.1:9100"]);
    const response = await fetch(`${url}/`);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    await response.text();
    await cluster.publish(first, { ...WORKER, nodename: "worker-2", addresses: ["10.0.0.2"] });
    await expect.poll(() => targets("/")).toStrictEqual(["10.0.0.1:9100", "10.0.0.2:9100"]);
    expect(await targets("/else")).toBe(404);
    expect((await fetch(`${url}/targets`, { method: "POST" })).status).toBe(405);
    const head = await fetch(`${url}/targets`, { method: "HEAD" });
    expect([head.status, await head.text()]).toStrictEqual([200, ""]);
    serving.interrupt();
    expect(await serving.exitCode).toBe(0);
    await expect(fetch(`${url}/`)).rejects.toThrow();
  });

  test("answers 503 until a service has answered", async () => {
    const cluster = createTestCluster();
    const port = await unusedPort();
    const late = { url: `http://127.0.0.1:${port}` };
    const serving = startUntilTestEnds(
      ["export", "prometheus", "--serve", "0"],
      cluster.environment(late),
    );
    const [, url = ""] = await serving.printed(/^listening on (.*)$/m);
    const status = async () => {
      const response = await fetch(url);
      await response.text();
      return response.status;
    };
    expect(await status()).toBe(503);
    const service = await startService({ port });
    onTestFinished(() => service.close());
    await expect.poll(status).toBe(200);
  });

  test("goes on with what it knows when no service answers any more", async () => {
    const cluster = createTestCluster();
    const dying = await startService({ port: await unusedPort() });
    await cluster.publish(dying, WORKER);
    const serving = startUntilTestEnds(
      ["export", "prometheus", "--serve", "0"],
      cluster.environment(dying),
    );
    const [, url = ""] = await serving.printed(/^listening on (.*)$/m);
    const targets = async () => {
      const response = await fetch(url);
      return response.ok ? response.json() : response.text();
    };
    await expect.poll(targets).toHaveLength(1);
    await dying.close();
    await serving.printed(/ECONNREFUSED.*again in/);
    expect(await targets()).toHaveLength(1);
  });

  test("fails where the port is taken", async () => {
    const cluster = createTestCluster();
    const { exitCode, stderr } = await runCommand(
      ["export", "prometheus", "--serve", `127.0.0.1:${first.port}`],
      cluster.environment(first),
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/cannot listen on 127\.0\.0\.1:\d+: the port is in use\n$/);
  });
});
