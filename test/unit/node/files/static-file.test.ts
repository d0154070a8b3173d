/**
 * A file of hosts that is followed.
 * @module
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchStaticMembers } from "../../../../src/node/files/static-file.ts";

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
  path = join(folder, "hosts.yaml");
});
afterEach(() => rm(folder, { recursive: true }));

test("a changed file is in force, a bad one never, and a mended one again", async () => {
  await writeFile(path, "- nodename: a\n- nodename: b\n");
  const told: (number | string)[] = [];
  const file = await watchStaticMembers(path, {
    onReload: (hosts) => told.push(hosts),
    onError: ({ code, message }) => told.push(`${code} ${message}`),
  });
  try {
    const known = () => [...file.registry.affiliates.keys()];
    expect(known()).toEqual(["static-a", "static-b"]);
    expect(file.registry.status.source).toBe(path);

    await writeFile(path, "- nodename: c\n");
    await file.look();
    expect(known()).toEqual(["static-c"]);

    await writeFile(path, "- nodename: c\n- nodename: c\n");
    await file.look();
    expect(known()).toEqual(["static-c"]);
    expect(file.registry.status.lastError?.code).toBe("ERR_STATIC_MEMBERS_INVALID");

    await rm(path);
    await file.look();
    expect(known()).toEqual(["static-c"]);

    await writeFile(path, "[]");
    await file.look();
    expect(known()).toEqual([]);
    expect(file.registry.status.lastError).toBeUndefined();
    expect(told).toEqual([
      1,
      `ERR_STATIC_MEMBERS_INVALID ${path}: line 2: [1].nodename: is that of line 1 too`,
      `ERR_FILE_UNREADABLE ${path}: no such file or directory`,
      0,
    ]);
  } finally {
    file.close();
  }
});

test.each([
  ["that is not there", undefined, "ERR_FILE_UNREADABLE", "no such file or directory"],
  ["that is empty", "", "ERR_STATIC_MEMBERS_INVALID", "line 1: is empty: no hosts are []"],
  [
    "that is no text",
    new Uint8Array([0xff, 0xfe]),
    "ERR_STATIC_MEMBERS_INVALID",
    "is not text in UTF-8",
  ],
])("at start, a file %s is an error that names it", async (_what, content, code, why) => {
  if (content !== undefined) await writeFile(path, content);
  await expect(watchStaticMembers(path)).rejects.toMatchObject({
    code,
    message: `${path}: ${why}`,
  });
});
