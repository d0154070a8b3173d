/**
 * Inputs that never end, that never begin, and that are larger than any input has to be.
 * @module
 */
import { execFile } from "node:child_process";
import { truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { FileProblem, fileFailure } from "../../../../src/node/files/file-failure.ts";
import {
  collectInput,
  MAX_INPUT_BYTES,
  readInputBytes,
} from "../../../../src/node/files/input-bytes.ts";
import { createTestFolder } from "../../../harness/cli/test-folder.ts";

const run = promisify(execFile);

async function scratch() {
  const folder = await createTestFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder;
}

async function fifo(): Promise<string> {
  const path = (await scratch()).path("fifo");
  await run("mkfifo", [path]);
  return path;
}

const failure = (path: string, reading: Promise<unknown>) =>
  reading.then(
    () => "was read",
    (error: unknown) => fileFailure(path, error).replace(path, "PATH"),
  );

test("a file is read whole, an empty one too", async () => {
  const folder = await scratch();
  const text = "0123456789".repeat(100_000);
  const bytes = await readInputBytes(await folder.file("large", text), { onlyFiles: true });
  expect(bytes.toString()).toBe(text);
  expect(await readInputBytes(await folder.file("empty", ""))).toHaveLength(0);
});

test("a file may have 16 MiB and no byte more", async () => {
  const path = await (await scratch()).file("large", "");
  await truncate(path, MAX_INPUT_BYTES);
  expect(await readInputBytes(path)).toHaveLength(MAX_INPUT_BYTES);
  await truncate(path, MAX_INPUT_BYTES + 1);
  expect(await failure(path, readInputBytes(path))).toBe("PATH: is larger than 16 MiB");
});

test("a device that never ends is read up to the limit", async () => {
  expect(await failure("/dev/zero", readInputBytes("/dev/zero"))).toBe(
    "PATH: is larger than 16 MiB",
  );
  async function* endless() {
    for (;;) yield new Uint8Array(1024 * 1024);
  }
  await expect(collectInput(endless())).rejects.toBeInstanceOf(FileProblem);
});

test("a FIFO without a writer is waited for until the signal aborts", async () => {
  const path = await fifo();
  const stopping = new AbortController();
  const reading = readInputBytes(path, { signal: stopping.signal });
  const reason = new Error("stopped");
  // Opened by now: a writer finds its reader.
  await run("sh", ["-c", 'echo begun > "$1"', "sh", path]);
  expect((await reading).toString()).toBe("begun\n");

  const waiting = readInputBytes(path, { signal: stopping.signal });
  setImmediate(() => stopping.abort(reason));
  await expect(waiting).rejects.toBe(reason);
  await expect(readInputBytes(path, { signal: stopping.signal })).rejects.toBe(reason);
});

test("a FIFO is read as its writer goes on, to the end", async () => {
  const path = await fifo();
  const writing = run("sh", ["-c", '{ echo one; echo two; } > "$1"', "sh", path]);
  expect((await readInputBytes(path)).toString()).toBe("one\ntwo\n");
  await writing;
});

test("a FIFO of a writer that writes nothing is empty", async () => {
  const path = await fifo();
  const writing = run("sh", ["-c", ': > "$1"', "sh", path]);
  expect(await readInputBytes(path)).toHaveLength(0);
  await writing;
});

test("what is read again later must be a regular file", async () => {
  const onlyFiles = (path: string) => failure(path, readInputBytes(path, { onlyFiles: true }));
  const folder = await scratch();
  const socket = folder.path("socket");
  const server = createServer().listen(socket);
  onTestFinished(() => void server.close());
  expect(await onlyFiles(await fifo())).toBe("PATH: expected a regular file, found a FIFO");
  expect(await onlyFiles(socket)).toBe("PATH: expected a regular file, found a socket");
  expect(await onlyFiles("/dev/zero")).toBe("PATH: expected a regular file, found a device");
  expect(await onlyFiles(folder.path("."))).toBe(
    "PATH: expected a regular file, found a directory",
  );
  expect(await failure(socket, readInputBytes(socket))).toBe(
    "PATH: is a socket, or a device that is not there",
  );
  const file = folder.path("file");
  await writeFile(file, "text");
  expect(await onlyFiles(file)).toBe("was read");
});
