import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createNodeIdentity, loadNodeIdentity } from "../../../../src/node/index.ts";

const NODE_ID = "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "identity-"));
  path = join(folder, "node-identity.yaml");
});

afterEach(() => rm(folder, { recursive: true }));

describe("an identity file", () => {
  test.each([
    `nodeId: ${NODE_ID}\n`,
    `nodeId: ${NODE_ID}`,
    `nodeId: "${NODE_ID}"\n`,
    `nodeId: '${NODE_ID}' # mine\r\n`,
    `\uFEFF---\n# made by hand\n\nnodeId:   ${NODE_ID}   # mine\n   \n`,
    `---\nnodeId: ${NODE_ID}\n---\n`,
    `{"nodeId": "${NODE_ID.replace("U", "\\u0055")}"}\n`,
  ])("is read: %j", async (text) => {
    await writeFile(path, text);
    expect(await loadNodeIdentity(path)).toEqual({ nodeId: NODE_ID });
  });

  test.each([
    ["empty", "", "empty"],
    ["blank", " \n\n", "empty"],
    ["only a comment", "# nodeId: x\n", "no nodeId"],
    ["another key", "id: x\n", "expected"],
    ["more than the one line", `nodeId: ${NODE_ID}\nother: 1\n`, "expected"],
    ["twice", `nodeId: ${NODE_ID}\nnodeId: ${NODE_ID}\n`, "twice"],
    ["twice, in two documents", `nodeId: ${NODE_ID}\n---\nnodeId: ${NODE_ID}\n`, "twice"],
    ["no value", "nodeId:\n", "expected"],
    ["a value with a line end", `nodeId: |\n  ${NODE_ID}\n`, "expected"],
    ["a value with an escaped line end", `nodeId: "${NODE_ID}\\n"\n`, "expected"],
    ["a value of two lines", `nodeId: ${NODE_ID.slice(2)}\n  ab\n`, "base62"],
    ["a list", `nodeId: [${NODE_ID}]\n`, "expected"],
    ["an alias", `nodeId: *a\n`, "expected"],
    ["a quote that is not closed", `nodeId: "${NODE_ID}\n`, "expected"],
    ["a key that is no word", `node-id: ${NODE_ID}\n`, "expected"],
    ["nested deeply", "[".repeat(100_000), "expected"],
    ["an empty value", 'nodeId: ""\n', "bytes"],
    ["a character outside the alphabet", `nodeId: ${NODE_ID.slice(1)}-\n`, "base62"],
    ["too short", "nodeId: abc\n", "bytes"],
    ["binary", "\0\x01\x02", "expected"],
  ])("that is broken is an error that names it, and stays as it is: %s", async (_, text, why) => {
    await writeFile(path, text);
    await expect(loadNodeIdentity(path)).rejects.toMatchObject({
      code: "ERR_IDENTITY_FILE_INVALID",
      message: expect.stringMatching(new RegExp(`^${path}: .*${why}`)),
    });
    await expect(createNodeIdentity(path)).rejects.toMatchObject({
      code: "ERR_IDENTITY_FILE_INVALID",
    });
    expect(await readFile(path, "utf8")).toBe(text);
  });

  test("that is missing is told from one that is broken", async () => {
    await expect(loadNodeIdentity(path)).rejects.toMatchObject({
      code: "ERR_FILE_UNREADABLE",
      message: expect.stringContaining(path),
    });
  });

  test("that cannot be read is an error", async () => {
    await mkdir(path);
    await expect(loadNodeIdentity(path)).rejects.toMatchObject({
      code: "ERR_IDENTITY_FILE_INVALID",
      message: expect.stringContaining(path),
    });
  });

  test("is made for its owner alone, and kept", async () => {
    const { nodeId } = await createNodeIdentity(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).toBe(`nodeId: ${nodeId}\n`);
    expect(await loadNodeIdentity(path)).toEqual({ nodeId });
    await chmod(path, 0o400);
    await expect(createNodeIdentity(path)).rejects.toThrow("exists");
    expect(await loadNodeIdentity(path)).toEqual({ nodeId });
  });

  test("in a folder that is not there is an error that names it", async () => {
    const nowhere = join(folder, "missing", "node-identity.yaml");
    await expect(createNodeIdentity(nowhere)).rejects.toMatchObject({
      code: "ERR_IDENTITY_FILE_INVALID",
      message: expect.stringContaining(nowhere),
    });
  });
});
