/**
 * What runs in a terminal ends in order when the terminal is closed.
 * @module
 */
import { spawn } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import { startService } from "../node/test-service.ts";
import { createTestCluster } from "./published-nodes.ts";

const MAIN = new URL("../../../src/cli/main.ts", import.meta.url).pathname;

test("join leaves the cluster when its terminal is closed", async () => {
  const service = await startService();
  onTestFinished(() => service.close());
  const cluster = createTestCluster();
  const { env } = cluster.environment(service);
  const command = `exec '${process.execPath}' '${MAIN}' join --nodename here --address 10.0.0.1`;
  const terminal = spawn("script", ["--quiet", "--command", command, "/dev/null"], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "ignore", "ignore"],
  });
  onTestFinished(() => void terminal.kill("SIGKILL"));
  const isListed = async () => (await cluster.listed(service)).length > 0;
  await expect.poll(isListed, { timeout: 20_000 }).toBe(true);
  terminal.kill("SIGKILL");
  await expect.poll(isListed, { timeout: 10_000 }).toBe(false);
}, 40_000);
