/**
 * A folder of its own for each test, gone afterwards.
 * @module
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestFolder extends AsyncDisposable {
  /** A path in the folder; nothing is made there. */
  readonly path: (name: string) => string;
  /** Writes a file, and gives its path. */
  readonly file: (name: string, text: string) => Promise<string>;
}

export async function createTestFolder(): Promise<TestFolder> {
  const folder = await mkdtemp(join(tmpdir(), "talos-discovery-cli-"));
  const path = (name: string) => join(folder, name);
  return {
    path,
    async file(name, text) {
      await writeFile(path(name), text);
      return path(name);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
