/** What the commands of docs/kubernetes.md show, with the account of the manifest, before the real API server. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ANNOTATIONS } from "../../src/sources/kubernetes/index.ts";
import { annotationsOf, nodeObject, writeKubeconfig } from "../harness/kubernetes/cluster.ts";
import { KubeApi } from "../harness/kubernetes/kube-api.ts";
import { OUR_CLI, ROOT } from "../harness/paths.ts";
import { accountToken } from "./harness/account.ts";

const run = promisify(execFile);
const page = readFileSync(`${ROOT}/docs/kubernetes.md`, "utf8");
const commands = [...page.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = ""]) =>
  block.trim().split("\n"),
);

let api: KubeApi;
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  if (!existsSync(OUR_CLI)) throw new Error("dist/ is missing: npm run build");
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
  api = await KubeApi.start(inject("kubeApiServer"));
  const annotations = { [ANNOTATIONS.nodeId]: "other", [ANNOTATIONS.addresses]: "10.0.0.12" };
  await api.create(nodeObject("worker-1"));
  await api.create(nodeObject("worker-2", { annotations, hostname: "two.example" }));
  await writeFile(join(folder, "token"), await accountToken(api, "node-annotations"));
  await writeKubeconfig(folder, api, { tokenFile: "token" });
  await mkdir(join(folder, "bin"));
  await symlink(OUR_CLI, join(folder, "bin/talos-discovery"));
  env = { PATH: `${join(folder, "bin")}:${process.env.PATH}`, HOME: folder };
});

afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function commandWith(words: string): string {
  const found = commands.find((command) => command.startsWith(`talos-discovery ${words}`));
  if (found === undefined) throw new Error(`the page has no ${words}`);
  return found;
}

async function outputOf(words: string, notices = /^$/): Promise<string> {
  const { stdout, stderr } = await run("sh", ["-c", commandWith(words)], { cwd: folder, env });
  expect(stderr).toMatch(notices);
  return stdout;
}

/** One that goes on until it is asked to stop. */
function start(words: string): { readonly child: ChildProcess; readonly output: () => string } {
  const child = spawn("sh", ["-c", `exec ${commandWith(words)}`], { cwd: folder, env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (piece: string) => {
      output += piece;
    });
  }
  return { child, output: () => output };
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

test("get shows the members that Kubernetes knows, and each registry's share", async () => {
  expect(await outputOf("get members --kube")).toMatch(
    /^worker-2 +1 +two\.example +worker +Talos \(v1\.15\.0\) +\["10\.0\.0\.12"\]$/m,
  );
  expect(await outputOf("get affiliates --namespace cluster-raw")).toMatch(/^k8s\/other /m);
});

test("export writes hosts of what Kubernetes knows", async () => {
  const notices = /^talos-discovery: hosts: listed by the first label, .*"two\.example".*\n$/;
  expect(await outputOf("export hosts", notices)).toMatch(/^10\.0\.0\.12\t.*worker-2/m);
});

test("join writes its annotations, get -w tells, and both end when they are asked to", async () => {
  const watching = start("get members -w");
  await expect.poll(watching.output).toMatch(/^\+ +worker-2 /m);
  const joined = start("join");
  await expect
    .poll(() => annotationsOf(api, "worker-1"))
    .toMatchObject({
      [ANNOTATIONS.addresses]: "10.0.0.21",
    });
  await expect.poll(watching.output).toMatch(/^\+ +worker-1 .*10\.0\.0\.21/m);
  await stop(joined.child);
  expect(await annotationsOf(api, "worker-1")).toEqual({});
  await expect.poll(watching.output).toMatch(/^- +worker-1 /m);
  await stop(watching.child);
});
