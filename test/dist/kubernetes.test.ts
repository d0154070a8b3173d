/**
 * Kubernetes in the installed package: in the command line it needs nothing else to be installed, and elsewhere one package,
 * which is asked for by name.
 * @module
 */
import { execFile } from "node:child_process";
import { realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, inject, test } from "vitest";
import { stringify } from "yaml";

const { folder } = inject("packageUnderTest");
const command = await realpath(join(folder, "node_modules/.bin/talos-discovery"));
const kubeconfig = join(folder, "kubeconfig");

await writeFile(
  kubeconfig,
  stringify({
    clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  }),
);

/** Writes the name of each file that is loaded to stderr. */
const TELL_LOADS = `
  import { writeSync } from "node:fs";
  import { registerHooks } from "node:module";
  registerHooks({ load(url, context, next) { writeSync(2, "load " + url + "\\n"); return next(url, context); } });
`;

/** What a program that fails, as one must that finds no API server, says and loads. */
async function failureOf(args: readonly string[]): Promise<string> {
  const hooks = `data:text/javascript,${encodeURIComponent(TELL_LOADS)}`;
  const failed = await promisify(execFile)(process.execPath, ["--import", hooks, ...args], {
    cwd: folder,
  }).catch((error: { stderr?: string }) => error);
  return failed.stderr ?? "";
}

describe("the command line", () => {
  test("asks Kubernetes, with nothing installed but itself", async () => {
    const said = await failureOf([command, "get", "members", "--kubeconfig", kubeconfig]);
    expect(said).toContain(
      "talos-discovery: https://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1",
    );
    expect(said).toMatch(/load .*kubernetes-credentials/);
  });

  test("loads nothing of Kubernetes' package where nobody names a kubeconfig", async () => {
    const said = await failureOf([command, "get", "members"]);
    expect(said).toMatch(/load .*\/command-/);
    expect(said).not.toMatch(/load .*kubernetes-credentials/);
  });
});

test("a program without the optional package is told what to install", async () => {
  const program = join(folder, "kubernetes-program.mjs");
  const path = JSON.stringify(kubeconfig);
  await writeFile(
    program,
    `import { createNodeApi } from "talos-discovery/node";
     import { KubernetesRegistry } from "talos-discovery/kubernetes";
     new KubernetesRegistry({ nodes: await createNodeApi({ kubeconfig: ${path} }) });`,
  );
  expect(await failureOf([program])).toContain(
    "Kubernetes needs a package that is not installed: npm install @kubernetes/client-node",
  );
});
