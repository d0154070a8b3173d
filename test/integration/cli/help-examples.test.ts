/**
 * The examples of the help, which people copy.
 * @module
 */
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import type { CliIo } from "../../../src/cli/io.ts";
import { createProgram } from "../../../src/cli/program.ts";
import { runCommand } from "../../harness/cli/test-terminal.ts";

/** What can be asked of nobody's cluster in particular. */
const WITHOUT_CLUSTER = /^(?:diagnose|get identities .*|identity new (?!--kubespan).*)$/;

const SILENT = { stdout: { write() {} }, stderr: { write() {} } } as unknown as CliIo;

const program = await createProgram("", SILENT, () => {});
const commands = leavesOf(program).filter(({ name }) => name !== "help");

interface NamedCommand {
  readonly name: string;
  readonly command: Command;
}

function leavesOf(parent: Command, path: readonly string[] = []): NamedCommand[] {
  return parent.commands.flatMap((command) => {
    const names = [...path, command.name()];
    return command.commands.length > 0
      ? leavesOf(command, names)
      : [{ name: names.join(" "), command }];
  });
}

/** Without the program's name. */
async function examplesOf(name: string): Promise<string[]> {
  const { stdout } = await runCommand([...name.split(" "), "--help"]);
  return Array.from(stdout.matchAll(/^ {2}talos-discovery (.+)$/gm), ([, line = ""]) => line);
}

/** As a shell does where nothing but single quotes is special. */
function wordsOf(line: string): string[] {
  return (line.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replaceAll("'", ""));
}

describe.each(commands)("examples of $name", ({ name, command }) => {
  test("are commands that exist, with flags that exist, and name the cluster", async () => {
    const examples = await examplesOf(name);
    expect(examples.length).toBeGreaterThan(0);
    let parsed = 0;
    for (const { command: leaf } of commands) leaf.action(() => void parsed++);
    for (const example of examples) {
      await program.parseAsync(wordsOf(example), { from: "user" });
      const needsCluster = command.options.some(({ long }) => long === "--cluster-secret-file");
      if (needsCluster && !WITHOUT_CLUSTER.test(example)) {
        expect(example).toMatch(/ (?:--config|--cluster-secret-file) /);
      }
    }
    expect(parsed).toBe(examples.length);
  });
});
