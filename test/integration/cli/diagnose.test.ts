/** The command around the checks: flags, output, exit codes. */

import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { CHECK_NAMES } from "../../../src/cli/diagnose/check.ts";
import { createTestFolder } from "../../harness/cli/test-folder.ts";
import { runCommand, startCommand } from "../../harness/cli/test-terminal.ts";
import { unusedPort } from "../../harness/net/unused-port.ts";
import {
  CLUSTER_ID,
  listen,
  OTHER_SECRET,
  publish,
  SECRET,
  startTestService,
} from "./diagnose/diagnose-harness.ts";

const env = { TALOS_DISCOVERY_CLUSTER_SECRET: SECRET, TALOS_DISCOVERY_CLUSTER_ID: CLUSTER_ID };

async function clusterOfOne(): Promise<string> {
  const { url } = await startTestService();
  await publish(url, { nodename: "worker-1", hostname: "worker-1" });
  return url;
}

interface Document {
  readonly status: string;
  readonly summary: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly checks: readonly string[];
  readonly services: readonly {
    readonly name: string;
    readonly status: string;
    readonly hops: readonly { readonly checks: readonly { readonly name: string }[] }[];
  }[];
  readonly node?: { readonly status: string };
}

describe("diagnose", () => {
  test("of a service that works ends with 0, a line per check and one for all", async () => {
    const url = await clusterOfOne();
    const { exitCode, stdout, stderr } = await runCommand(["diagnose", "--service", url], { env });
    expect(exitCode).toBe(0);
    expect(stderr).toBe("");
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toBe(url);
    expect(
      lines.slice(1, 1 + CHECK_NAMES.length).map((line) => line.trim().split(/\s+/)[1]),
    ).toEqual(CHECK_NAMES);
    expect(lines.at(-1)).toBe("The service works; 13 ok, 1 skipped.");
    expect(stdout).toContain("  ok       members         1 member");
  });

  test("of one that fails ends with 1, and says where", async () => {
    const url = `http://127.0.0.1:${await unusedPort()}`;
    const { exitCode, stdout } = await runCommand(["diagnose", "--service", url], { env });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/\n {27}→ Nothing listens/);
    expect(stdout).toMatch(/\nThe service fails at tcp; 3 ok, 1 failed, 10 skipped\.\n$/);
  });

  test("of several ends with 1 where one of them fails", async () => {
    const url = await clusterOfOne();
    const port = await unusedPort();
    const services = ["--service", url, "--service", `http://127.0.0.1:${port}`];
    const { exitCode, stdout } = await runCommand(["diagnose", ...services], { env });
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`\n1 of 2 services fail: 127.0.0.1:${port} at tcp; `);
  });

  test("with warnings alone ends with 0", async () => {
    const { url } = await startTestService();
    const { exitCode, stdout } = await runCommand(["diagnose", "--service", url], { env });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("  warning  watch ");
  });

  test("as JSON is one document, in which each check has its name, status and time", async () => {
    const url = await clusterOfOne();
    const { stdout, exitCode } = await runCommand(
      ["diagnose", "--service", url, "-o", "json", "--node", "worker-1"],
      { env, isTerminal: true },
    );
    expect(exitCode).toBe(0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    const document = JSON.parse(stdout) as Document;
    expect(document).toMatchObject({
      status: "ok",
      summary: expect.stringContaining("The service works"),
      counts: { ok: 13, warning: 0, failed: 0, skipped: 1, unknown: 0 },
      checks: CHECK_NAMES,
      services: [{ url, status: "ok", hops: [{ url }] }],
      node: { node: "worker-1", status: "ok", services: [{ state: "member" }] },
    });
    for (const check of document.services[0]?.hops[0]?.checks ?? []) {
      expect(check).toEqual(
        expect.objectContaining({
          name: expect.any(String),
          status: expect.any(String),
          summary: expect.any(String),
          durationMs: expect.any(Number),
        }),
      );
    }
  });

  test("never shows the secret, right or wrong", async () => {
    const url = await clusterOfOne();
    for (const secret of [SECRET, OTHER_SECRET]) {
      for (const format of ["table", "json"]) {
        const { stdout, stderr } = await runCommand(["diagnose", "--service", url, "-o", format], {
          env: { ...env, TALOS_DISCOVERY_CLUSTER_SECRET: secret },
        });
        expect(stdout + stderr).not.toContain(secret);
        expect(stdout + stderr).not.toContain(secret.slice(0, 20));
      }
    }
  });

  test("needs neither ID nor secret for the way to the service", async () => {
    const { url } = await startTestService();
    const { exitCode, stdout } = await runCommand(["diagnose", "--service", url]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      "  skipped  3 checks        needs the cluster's ID: --cluster-id or --config (watch, secret, members)",
    );
  });

  test("takes cluster and services from a Talos configuration", async () => {
    const url = await clusterOfOne();
    await using folder = await createTestFolder();
    const path = await folder.file(
      "controlplane.yaml",
      `apiVersion: v1alpha1\nkind: DiscoveryIdentityConfig\nclusterID: ${CLUSTER_ID}\nclusterSecret: ${SECRET}\n` +
        `---\napiVersion: v1alpha1\nkind: DiscoveryServiceConfig\nname: primary\nendpoint: ${url}\n`,
    );
    const { exitCode, stdout } = await runCommand(["diagnose", "--config", path]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`primary  ${url}`);
  });

  test("of a node that nobody lists ends with 1, and says why that may be", async () => {
    const url = await clusterOfOne();
    const { exitCode, stdout } = await runCommand(
      ["diagnose", "--service", url, "--node", "worker-9"],
      { env },
    );
    expect(exitCode).toBe(1);
    expect(stdout).toContain("\nnode worker-9\n");
    expect(stdout).toContain("worker-9 is listed by no service");
    expect(stdout).toContain("→ It has not published");
  });

  test("explains only the flags that it has a use for", async () => {
    const { stdout } = await runCommand(["diagnose", "--help"]);
    expect(stdout).toContain("--service");
    expect(stdout).not.toMatch(/--kubeconfig|--static/);
  });

  test("that is interrupted says so, and shows what it has found", async () => {
    const port = await listen(createServer((socket) => void socket.resume()));
    const running = startCommand(["diagnose", "--service", `http://127.0.0.1:${port}`], { env });
    await running.printed(/ tcp /);
    running.interrupt();
    expect(await running.exitCode).toBe(1);
    expect(running.stderr()).toBe("talos-discovery: interrupted\n");
  });

  test.each([
    [["-o", "yaml"], "-o"],
    [["--timeout", "0"], "--timeout"],
    [["--service", "discovery.example"], "--service"],
    [["--kubeconfig", "x"], "--kubeconfig: only services are looked at"],
    [["--node", "a"], "--node: needs the cluster's ID and secret"],
    [["--service", "off", "--static", "x"], "--static: only services are looked at"],
    [["extra"], "too many arguments"],
  ])("with %j ends with 2", async (argv, message) => {
    const { exitCode, stdout, stderr } = await runCommand(["diagnose", ...argv]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(message.replace("-o", "--output"));
  });
});
