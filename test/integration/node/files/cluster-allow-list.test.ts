/**
 * A service for the clusters on a list.
 * @module
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isDiscoveryError } from "../../../../src/errors.ts";
import {
  type AllowListChange,
  parseClusterAllowList,
  watchClusterAllowList,
} from "../../../../src/node/files/cluster-allow-list.ts";
import { grpcClient, startService } from "../../../harness/service/test-service.ts";

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
  path = join(folder, "clusters.txt");
});
afterEach(() => rm(folder, { recursive: true }));

describe("the text of a list", () => {
  test("is an ID a line, with comments and empty lines", () => {
    const text = "\uFEFF# ours\nAAAA=\r\n\n  b/b+b==  \t# at home\n#CCCC\nAAAA=\nd#d";
    expect([...parseClusterAllowList(text, "list")]).toEqual(["AAAA=", "b/b+b==", "d#d"]);
    expect(parseClusterAllowList("", "list").size).toBe(0);
  });

  test.each([
    ["two words", "a\nb c\n", "list: line 2: more than one word"],
    ["an ID of 257 bytes", `\n\n${"ä".repeat(128)}a`, "list: line 3: cluster ID is too long"],
  ])("with %s is an error that names the line", (_what, text, message) => {
    expect(() => parseClusterAllowList(text, "list")).toThrow(message);
  });

  test("any text gives a list or a DiscoveryError", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => {
        try {
          for (const id of parseClusterAllowList(text, "list")) expect(id.trim()).toBe(id);
        } catch (error) {
          expect(isDiscoveryError(error)).toBe(true);
        }
      }),
    );
  });
});

describe("at start", () => {
  test("a list that is not there is an error that names it", async () => {
    await expect(watchClusterAllowList(path)).rejects.toMatchObject({
      code: "ERR_FILE_UNREADABLE",
      message: `${path}: no such file or directory`,
    });
  });

  test("bytes that are no text are an error", async () => {
    await writeFile(path, new Uint8Array([0xff, 0xfe, 0x41]));
    await expect(watchClusterAllowList(path)).rejects.toMatchObject({
      code: "ERR_ALLOW_LIST_INVALID",
      message: `${path}: is not text in UTF-8`,
    });
  });
});

test("a changed list is in force at once, a bad one never", async () => {
  await writeFile(path, "a\nb\n");
  const changes: AllowListChange[] = [];
  const errors: string[] = [];
  const list = await watchClusterAllowList(path, {
    onReload: (change) => changes.push(change),
    onError: ({ message }) => errors.push(message),
  });
  const allowed = () => ["a", "b", "c"].filter(list.allows);
  expect(allowed()).toEqual(["a", "b"]);
  await writeFile(path, "b\nc\nd\n");
  await list.look();
  expect(allowed()).toEqual(["b", "c"]);
  expect(changes).toEqual([{ clusters: 3, added: 2, removed: 1 }]);
  await writeFile(path, "a b\n");
  await list.look();
  await list.look();
  await rm(path);
  await list.look();
  expect(allowed()).toEqual(["b", "c"]);
  expect(list.size).toBe(3);
  expect(errors).toEqual([
    `${path}: line 1: more than one word`,
    `${path}: no such file or directory`,
  ]);
  await writeFile(path, "a\n");
  await list.look();
  expect(allowed()).toEqual(["a"]);
  expect(changes).toHaveLength(2);
  list.close();
});

describe("a service with a list", () => {
  const refusal = {
    code: Code.PermissionDenied,
    rawMessage: "cluster is not allowed here",
  };

  test("refuses all five procedures to other clusters", async () => {
    await using server = await startService({ allowCluster: (id) => id === "ours" });
    const client = grpcClient(server.url);
    const clusterId = "theirs";
    await expect(client.hello({ clusterId })).rejects.toMatchObject(refusal);
    const update = client.affiliateUpdate({ clusterId, affiliateId: "a" });
    await expect(update).rejects.toMatchObject(refusal);
    const remove = client.affiliateDelete({ clusterId, affiliateId: "a" });
    await expect(remove).rejects.toMatchObject(refusal);
    await expect(client.list({ clusterId })).rejects.toMatchObject(refusal);
    const watch = client.watch({ clusterId })[Symbol.asyncIterator]();
    await expect(watch.next()).rejects.toMatchObject(refusal);
    expect(await server.registry.totals()).toMatchObject({ clusters: 0, watchers: 0 });
    await client.hello({ clusterId: "ours" });
    await expect(client.list({ clusterId: "" })).rejects.toMatchObject({
      code: Code.InvalidArgument,
    });
  });

  test("tells the watch of a cluster that was taken off nothing more", async () => {
    let isAllowed = true;
    await using server = await startService({ allowCluster: () => isAllowed });
    const clusterId = "c";
    const watch = grpcClient(server.url).watch({ clusterId })[Symbol.asyncIterator]();
    await watch.next();
    isAllowed = false;
    await server.registry.update({ clusterId, affiliateId: "a", endpoints: [], ttlMs: 60_000 });
    await expect(watch.next()).rejects.toMatchObject(refusal);
    await expect.poll(() => server.registry.totals()).toMatchObject({ watchers: 0 });
  });
});
