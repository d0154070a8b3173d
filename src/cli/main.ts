#!/usr/bin/env node
/**
 * The edge of the command line: this process's arguments, streams, signals and exit code.
 * @module
 */
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { addAbortSignal } from "node:stream";
import { MAX_DELAY_MS } from "../async/timers.ts";
import { ownVariables } from "../node/child-environment.ts";
import { EXIT_FAILED, EXIT_OK } from "./exit.ts";
import { readInput, stoppedReading } from "./input-file.ts";
import type { CliOutput } from "./io.ts";
import { run } from "./program.ts";

const stopping = new AbortController();

/** Why nothing more can be written to stdout. */
let outputError: NodeJS.ErrnoException | undefined;

function stop(): void {
  // The second signal: whatever is still going on is not worth waiting for.
  if (stopping.signal.aborted) process.exit(1);
  stopping.abort();
}

function outputTo(stream: NodeJS.WriteStream): CliOutput {
  return {
    // Where results find nobody, what ends because of it is not worth telling.
    write: (text) => {
      if (outputError === undefined) stream.write(text);
    },
    flushed: () => flushed(stream),
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    },
    onResize: (listener) => {
      stream.on("resize", listener);
      // A shell has written there while we were stopped.
      process.on("SIGCONT", listener);
      return () => {
        stream.off("resize", listener);
        process.off("SIGCONT", listener);
      };
    },
  };
}

/** All of standard input, unless a signal comes first: nobody may ever end it. */
async function readStdin(): Promise<string> {
  try {
    return await readInput(addAbortSignal(stopping.signal, process.stdin), "stdin");
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    throw stoppedReading("stdin", error);
  }
}

/** Output to pipes is asynchronous: an exit without this would cut it. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

/** Without line editing: the terminal has its own, and turns Ctrl-C into a signal. */
async function ask(question: string): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  const answered = new AbortController();
  try {
    const { signal } = stopping;
    const answer = lines.question(question, { signal });
    const closed = once(lines, "close", { signal: answered.signal });
    return await Promise.race([answer, closed.then(noAnswer)]);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    // readline has ended the line of the question.
    return undefined;
  } finally {
    answered.abort();
    lines.close();
  }
}

/** Ctrl-D: the line of the question is still open. */
function noAnswer(): undefined {
  process.stderr.write("\n");
}

/** More than one may come of a terminal that is closed: from the system, and from the shell. */
function hangUp(): void {
  stopping.abort();
}

/** A terminal that is closed sends SIGHUP too, and then whatever runs in it shall end. */
function onReload(listener: () => void): () => void {
  if (process.stdout.isTTY === true) return () => {};
  process.off("SIGHUP", hangUp);
  process.on("SIGHUP", listener);
  return () => void process.off("SIGHUP", listener);
}

process.on("SIGINT", stop);
process.on("SIGTERM", stop);
// Without a terminal it may be ignored for a reason, as under nohup, which a listener would end.
if ([process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)) {
  process.on("SIGHUP", hangUp);
}
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  outputError ??= error;
  stopping.abort();
});
process.stderr.on("error", () => {});

// Settings of ours, some of them secrets, are not for the programs that a command starts.
const env = { ...process.env };
for (const name of ownVariables(env)) delete process.env[name];

// Node would open its inspector to whoever may connect to this machine's own addresses.
process.on("SIGUSR1", () => {});

// A command that only waits, as for a change of a file, has nothing else that keeps the process
// alive.
const alive = setInterval(() => {}, MAX_DELAY_MS);
const exitCode = await run(process.argv.slice(2), {
  stdout: outputTo(process.stdout),
  stderr: outputTo(process.stderr),
  readStdin,
  ask: process.stdin.isTTY === true && process.stderr.isTTY === true ? ask : undefined,
  env,
  signal: stopping.signal,
  onReload,
});
clearInterval(alive);
await flushed(process.stdout);
// `| head` has seen enough: that is no failure.
const isReaderGone = outputError?.code === "EPIPE";
if (outputError !== undefined && !isReaderGone) {
  process.stderr.write(`talos-discovery: stdout: ${outputError.message}\n`);
}
await flushed(process.stderr);
process.exit(outputError === undefined ? exitCode : isReaderGone ? EXIT_OK : EXIT_FAILED);
