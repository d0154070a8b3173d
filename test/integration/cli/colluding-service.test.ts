/**
 * A service that has the cluster's secret and means ill: commands say little of it, and end.
 * @module
 */
import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { createClusterCipher } from "../../../src/crypto/index.ts";
import { generateNodeId } from "../../../src/identity/index.ts";
import { serve } from "../../../src/node/index.ts";
import { encodeAffiliate } from "../../../src/protocol/index.ts";
import { MemoryRegistry } from "../../../src/registry/index.ts";
import { runCommand } from "../../harness/cli/test-terminal.ts";
import { spawnCommand } from "./command-process.ts";

// Sealing and opening thousands takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const SECRET = Buffer.alloc(32, 7).toString("base64");

/** Of so many, a snapshot has several messages. */
const MEMBERS = 12_000;
const FIRST_MESSAGE_MEMBERS = 4096;

async function startWithMembers(count: number): Promise<string> {
  const registry = new MemoryRegistry({ limits: { maxClusterAffiliates: count } });
  onTestFinished(() => registry.close());
  const cipher = createClusterCipher(SECRET);
  for (let number = 0; number < count; number++) {
    const nodeId = generateNodeId();
    const name = `node-${number}`;
    const operatingSystem = "x".repeat(900);
    const affiliate = { nodeId, nodename: name, hostname: name, operatingSystem };
    registry.update({
      clusterId: "c",
      affiliateId: nodeId,
      data: cipher.sealAffiliate(encodeAffiliate(affiliate)),
      endpoints: [],
      ttlMs: 1_800_000,
    });
  }
  const server = await serve({ host: "127.0.0.1", port: 0, registry });
  onTestFinished(() => server.close());
  return server.url;
}

test("get -w of thousands of members ends soon after SIGINT", async () => {
  const url = await startWithMembers(MEMBERS);
  const getting = spawnCommand(
    ["get", "members", "-w", "--cluster-id", "c", "--service", url, "-o", "json"],
    { TALOS_DISCOVERY_CLUSTER_SECRET: SECRET },
  );
  // The members of the first message come at once, those of others one by one.
  let shown = 0;
  await new Promise<void>((resolve) => {
    getting.stdout.on("data", (chunk: Buffer) => {
      shown += chunk.toString().split('"nodeId"').length - 1;
      if (shown > FIRST_MESSAGE_MEMBERS) resolve();
    });
  });
  const started = performance.now();
  getting.kill("SIGINT");
  expect(await once(getting, "exit")).toStrictEqual([0, null]);
  expect(performance.now() - started).toBeLessThan(2000);
});

test.each([
  ["a name of 10 MB", `${"a".repeat(10_000_000)}:443`],
  ["a path of 10 MB", `a/${"a".repeat(10_000_000)}`],
])("a redirect to %s is not followed, and not told whole", async (_what, endpoint) => {
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    redirectEndpoint: endpoint,
  });
  onTestFinished(() => server.close());
  const { exitCode, stdout, stderr } = await runCommand(
    ["get", "members", "--cluster-id", "c", "--service", server.url],
    { env: { TALOS_DISCOVERY_CLUSTER_SECRET: SECRET } },
  );
  expect([exitCode, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^talos-discovery: service URL "a[^\n]*…: expected host:port[^\n]*\n$/);
  expect(stderr.length).toBeLessThan(400);
});
