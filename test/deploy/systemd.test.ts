import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { DEPLOY, OUR_CLI } from "../harness/paths.ts";

const run = promisify(execFile);
const UNIT = `${DEPLOY}/systemd/talos-discovery.service`;
const EXAMPLE = `${DEPLOY}/systemd/serve.yaml`;
/** Of 10; systemd calls 2 and below "OK". */
const MOST_EXPOSED = "1.5";

test("systemd finds nothing wrong with the unit", async () => {
  const folder = await mkdtemp(join(tmpdir(), "talos-discovery-unit-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const unit = await readFile(UNIT, "utf8");
  // The command is where it is in this run; everything else is as it is installed.
  const path = join(folder, "talos-discovery.service");
  await writeFile(path, unit.replace("/usr/local/bin/talos-discovery", OUR_CLI));
  const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", path]);
  const complaints = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("talos-"));
  expect(complaints).toEqual([]);
});

test("what the unit may do is little", async () => {
  const threshold = String(Number(MOST_EXPOSED) * 10);
  await run("systemd-analyze", [
    ...["security", "--no-pager", "--offline=true", `--threshold=${threshold}`],
    UNIT,
  ]);
});

test("its example of a configuration is one, also with everything that it only shows", async () => {
  const folder = await mkdtemp(join(tmpdir(), "talos-discovery-unit-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const example = await readFile(EXAMPLE, "utf8");
  const complete = join(folder, "serve.yaml");
  await writeFile(complete, example.replaceAll(/^# ([a-z-]+: )/gm, "$1"));
  for (const file of [EXAMPLE, complete]) {
    const { stdout } = await run(OUR_CLI, ["serve", "--config", file, "--print-config"]);
    expect(parse(stdout)).toMatchObject(parse(await readFile(file, "utf8")));
  }
  expect(Object.keys(parse(await readFile(complete, "utf8")))).toHaveLength(8);
});
