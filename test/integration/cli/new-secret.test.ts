/**
 * Secrets and identities are made whole or not at all: half of one would stand in the way of the next attempt.
 * @module
 */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { generateClusterSecret } from "../../../src/crypto/index.ts";
import { createTestFolder } from "../../harness/cli/test-folder.ts";

const MAIN = new URL("../../../src/cli/main.ts", import.meta.url).pathname;

/** Runs the command where no file may have a single byte. */
function runWithoutSpace(
  ...args: readonly string[]
): Promise<{ readonly exitCode: unknown; readonly stderr: string }> {
  const limited = ["-c", 'ulimit -f 0 && exec "$@"', "sh", process.execPath, MAIN, ...args];
  const env = { ...process.env, TALOS_DISCOVERY_CLUSTER_SECRET: generateClusterSecret() };
  return new Promise((resolve) => {
    execFile("/bin/sh", limited, { env }, (error, _stdout, stderr) =>
      resolve({ exitCode: error?.code ?? 0, stderr }),
    );
  });
}

test.each([
  ["cluster", "new", "--out"],
  ["identity", "new", "--out"],
  ["join", "--cluster-id", "c", "--service", "http://127.0.0.1:1", "--identity"],
])(
  "%s leaves nothing of a file that finds no room, and says why",
  async (...args) => {
    await using folder = await createTestFolder();
    const { exitCode, stderr } = await runWithoutSpace(...args, folder.path("new.yaml"));
    expect(stderr).toMatch(/^talos-discovery: \S+new\.yaml: [^\n]*larger than is allowed[^\n]*\n$/);
    expect(exitCode).toBe(2);
    expect(await readdir(folder.path("."))).toStrictEqual([]);
  },
  30_000,
);
