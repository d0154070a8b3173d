/** The commands of docs/operations.md run: each `sh` block, unless a comment before it says why not. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { readDocBlocks } from "../harness/cli/doc-page.ts";
import { DEPLOY, OUR_CLI, ROOT, TLS_FIXTURES } from "../harness/paths.ts";

const run = promisify(execFile);
const blocks = readDocBlocks("docs/operations.md");

/** Services that run until they are told to end. */
function isService(line: string): boolean {
  return /^talos-discovery serve\b/.test(line) && !/ --(?:print-config|help)\b/.test(line);
}

interface Desk {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A folder with the files that the page speaks of, and an environment in which nothing disturbs anybody. */
async function createDesk(): Promise<Desk> {
  const folder = await mkdtemp(join(tmpdir(), "talos-discovery-operations-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "bin"));
  await mkdir(join(folder, "state"));
  await symlink(OUR_CLI, join(folder, "bin/talos-discovery"));
  await symlink(inject("programs").helm, join(folder, "bin/helm"));
  await symlink(DEPLOY, join(folder, "deploy"));
  await copyFile(`${TLS_FIXTURES}/server.pem`, join(folder, "tls.crt"));
  await copyFile(`${TLS_FIXTURES}/server-key.pem`, join(folder, "tls.key"));
  await copyFile(`${ROOT}/test/vectors/snapshot-ttl.binpb`, join(folder, "state/state.binpb"));
  await writeFile(join(folder, "clusters"), "b3VyIGNsdXN0ZXI=  # ours\n");
  const env = {
    PATH: `${join(folder, "bin")}:${process.env.PATH}`,
    HOME: folder,
    CLUSTER_ID: "b3VyIGNsdXN0ZXI=",
    TALOS_DISCOVERY_ADDR: "127.0.0.1:0",
    TALOS_DISCOVERY_LANDING_ADDR: "127.0.0.1:0",
    TALOS_DISCOVERY_METRICS_ADDR: "127.0.0.1:0",
    TALOS_DISCOVERY_SNAPSHOT_PATH: join(folder, "new/state.binpb"),
  };
  return { folder, env };
}

/** The same command on free ports, and with the folder of this run. */
function elsewhere(line: string, { folder }: Desk): string {
  return line
    .replaceAll(/(addr[= ])\S*:\d+/g, "$1127.0.0.1:0")
    .replaceAll("/var/discovery-service", join(folder, "state"));
}

async function runLines(text: string, { folder, env }: Desk): Promise<string> {
  const { stdout } = await run("bash", ["-e", "-o", "pipefail", "-c", text], { cwd: folder, env });
  return stdout;
}

interface RunningService {
  /** Where its pages are, by the port that the page gives. */
  readonly urls: Readonly<Record<string, string>>;
  stop(): Promise<unknown>;
}

async function startService(line: string, desk: Desk): Promise<RunningService> {
  const { folder, env } = desk;
  const command = elsewhere(line, desk).replaceAll(/^talos-discovery/g, "exec talos-discovery");
  const child = spawn("bash", ["-c", command], { cwd: folder, env });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  const serving = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (/^listening on /m.test(output) && /landing\W+http/.test(output)) resolve();
      });
    }
    child.once("close", () => reject(new Error(`${command}\n${output}`)));
  });
  await serving;
  const urlOf = (name: string) =>
    new RegExp(`${name}\\W+(http://[\\d.:]+)`).exec(output)?.[1] ?? "missing";
  return {
    urls: { "3001": urlOf("landing"), "2122": urlOf("metrics") },
    async stop() {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      return (await exited)[0];
    },
  };
}

describe("the commands of docs/operations.md", () => {
  test("are there, and few are not run", () => {
    expect(blocks.length).toBeGreaterThan(10);
    expect(blocks.filter(({ notRun }) => notRun !== undefined).length).toBeLessThan(4);
  });

  test.each(blocks.filter(({ notRun }) => notRun === undefined))("$text", async ({ text }) => {
    const desk = await createDesk();
    const lines = text.trim().split("\n");
    if (!lines.some(isService)) {
      expect(await runLines(text, desk)).not.toBe("");
      return;
    }
    let service: RunningService | undefined;
    for (const line of lines) {
      if (isService(line)) {
        service = await startService(line, desk);
        continue;
      }
      const urls = service?.urls ?? {};
      const command = line.replace(/http:\/\/localhost:(\d+)/, (_all, port) => `${urls[port]}`);
      expect(await runLines(elsewhere(command, desk), desk)).not.toBe("");
    }
    expect(await service?.stop()).toBe(0);
  });
});
