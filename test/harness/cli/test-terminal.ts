/**
 * A stand-in for the process around a command.
 * @module
 */
import { onTestFinished } from "vitest";
import type { ExitCode } from "../../../src/cli/exit.ts";
import type { CliIo, CliOutput } from "../../../src/cli/io.ts";
import { run } from "../../../src/cli/program.ts";

/** What a command did, from its start to its end. */
export interface RunningCommand {
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly exitCode: Promise<ExitCode>;
  /** As Ctrl-C does. */
  readonly interrupt: () => void;
  /** As SIGHUP does. */
  readonly reload: () => void;
  /** Resolves as soon as what was printed, results and messages together, matches; rejects when the command ends before. */
  readonly printed: (pattern: RegExp) => Promise<RegExpExecArray>;
}

export interface RunCommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly isTerminal?: boolean;
  readonly signal?: AbortSignal;
  /** What the user answers to each question; without it, nobody can be asked. */
  readonly answer?: string;
}

/** What `serve` writes and listens on by default would be shared by all tests. */
export const DISTURBING_NOBODY: Readonly<Record<string, string>> = {
  TALOS_DISCOVERY_SNAPSHOTS_ENABLED: "false",
  TALOS_DISCOVERY_LANDING_ADDR: "off",
  TALOS_DISCOVERY_METRICS_ADDR: "off",
};

/** Starts `talos-discovery` as {@link startCommand}, and interrupts it at the latest when the test ends. */
export function startUntilTestEnds(
  argv: readonly string[],
  options?: RunCommandOptions,
): RunningCommand {
  const command = startCommand(argv, options);
  onTestFinished(async () => {
    command.interrupt();
    await command.exitCode;
  });
  return command;
}

/** Starts `talos-discovery` with some arguments. */
export function startCommand(
  argv: readonly string[],
  { env = {}, stdin = "", isTerminal = false, signal, answer }: RunCommandOptions = {},
): RunningCommand {
  const interrupted = new AbortController();
  const reloading = new Set<() => void>();
  const listeners = new Set<() => void>();
  let everything = "";

  function capture(): CliOutput & { readonly text: () => string } {
    let text = "";
    return {
      isTerminal,
      write(piece) {
        text += piece;
        everything += piece;
        for (const listener of listeners) listener();
      },
      text: () => text,
    };
  }

  const stdout = capture();
  const stderr = capture();
  const io: CliIo = {
    stdout,
    stderr,
    readStdin: async () => stdin,
    ask:
      answer === undefined
        ? undefined
        : async (question) => {
            stderr.write(question);
            return answer;
          },
    env: { ...DISTURBING_NOBODY, ...env },
    onReload: (listener) => {
      reloading.add(listener);
      return () => void reloading.delete(listener);
    },
    signal: signal ? AbortSignal.any([signal, interrupted.signal]) : interrupted.signal,
  };
  const exitCode = run(argv, io);
  return {
    stdout: stdout.text,
    stderr: stderr.text,
    exitCode,
    interrupt: () => interrupted.abort(),
    reload: () => {
      for (const listener of reloading) listener();
    },
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(everything);
          if (match === null) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
        exitCode.then(() => reject(new Error(`ended without ${pattern}: ${everything}`)), reject);
      }),
  };
}

/** Runs a command to its end. */
export async function runCommand(
  argv: readonly string[],
  options?: RunCommandOptions,
): Promise<{ exitCode: ExitCode; stdout: string; stderr: string }> {
  const command = startCommand(argv, options);
  const exitCode = await command.exitCode;
  return { exitCode, stdout: command.stdout(), stderr: command.stderr() };
}
