/**
 * Which value is in force while files change, and who is told.
 * @module
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DiscoveryError } from "../../../../src/errors.ts";
import { reloadFiles, textOf } from "../../../../src/node/files/reloaded-file.ts";

let paths: string[] = [];
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
  paths = [join(folder, "a"), join(folder, "b")];
});
afterEach(() => rm(folder, { recursive: true }));

/** The timer never goes off: looks are the test's. */
const schedule = () => ({ cancel() {} });

/** Two files as one text. `bad` does not load, and `unusable` is refused by who would use it. */
async function open() {
  const told: string[] = [];
  const files = await reloadFiles<string>(
    paths,
    {
      load(contents) {
        const texts = contents.map((bytes, i) =>
          textOf(`${paths[i]}`, bytes, "ERR_CONFIG_INVALID"),
        );
        if (texts.includes("bad")) throw new DiscoveryError("ERR_CONFIG_INVALID", "bad");
        return texts.join("+");
      },
      use(value) {
        if (value.includes("unusable")) throw new DiscoveryError("ERR_CONFIG_INVALID", "unusable");
        told.push(`use ${value}`);
      },
      onReload: (value, previous) => told.push(`reload ${previous} to ${value}`),
      onError: ({ message }, current) => told.push(`error ${message}, still ${current}`),
    },
    { schedule },
  );
  return { files, told };
}

async function write(...texts: string[]): Promise<void> {
  for (const [i, text] of texts.entries()) await writeFile(paths[i] as string, text);
}

test("the first reading is in force and told to nobody", async () => {
  await write("1", "2");
  const { files, told } = await open();
  expect(files.current).toBe("1+2");
  await files.look();
  expect(told).toEqual([]);
  files.close();
});

test("a change is used, then in force, then told", async () => {
  await write("1", "2");
  const { files, told } = await open();
  await write("1", "3");
  await files.look();
  expect(files.current).toBe("1+3");
  expect(told).toEqual(["use 1+3", "reload 1+2 to 1+3"]);
  files.close();
});

test.each(["bad", "unusable"])("of files that are %s, the last good value stays", async (text) => {
  await write("1", "2");
  const { files, told } = await open();
  await write("1", text);
  await files.look();
  await files.look();
  expect(files.current).toBe("1+2");
  expect(told).toEqual([`error ${text}, still 1+2`]);
  await write("1", "3");
  await files.look();
  expect(told.slice(1)).toEqual(["use 1+3", "reload 1+2 to 1+3"]);
  files.close();
});

test("a missing file is an error that names it, first and later", async () => {
  await write("1", "2");
  const { files, told } = await open();
  await rm(paths[1] as string);
  await files.look();
  expect(told).toEqual([`error ${paths[1]}: no such file or directory, still 1+2`]);
  files.close();
  await expect(open()).rejects.toMatchObject({
    code: "ERR_FILE_UNREADABLE",
    message: `${paths[1]}: no such file or directory`,
  });
});

test("bytes that are not UTF-8 are an error with the caller's code", () => {
  expect(() => textOf("a", Uint8Array.of(0xff), "ERR_CONFIG_INVALID")).toThrow(
    expect.objectContaining({ code: "ERR_CONFIG_INVALID", message: "a: is not text in UTF-8" }),
  );
});
