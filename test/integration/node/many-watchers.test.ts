import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const REGISTRY = resolve(import.meta.dirname, "../../../src/registry/index.ts");

/** Nothing else keeps it alive. */
const PROGRAM = `
import { MemoryRegistry } from ${JSON.stringify(REGISTRY)};
const registry = new MemoryRegistry();
const watchers = Array.from({ length: 1200 }, () => registry.watch("c")[Symbol.asyncIterator]());
await Promise.all(watchers.map((watcher) => watcher.next()));
registry.update({ clusterId: "c", affiliateId: "a", data: Uint8Array.of(1), endpoints: [], ttlMs: 60_000 });
const told = await Promise.all(watchers.map((watcher) => watcher.next()));
console.log(told.length);
await registry.close();
`;

test("a program waits until thousands of watchers are told", async () => {
  const args = ["--input-type=module", "--eval", PROGRAM];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toBe("1200\n");
});
