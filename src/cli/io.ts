/**
 * Everything of the outside that a command touches besides files and the network.
 * @module
 */
import { printable } from "../net/quote.ts";

/** Where text goes. */
export interface CliOutput {
  readonly write: (text: string) => void;
  /** Resolves when what was written is out: for who writes more than should wait in memory. */
  readonly flushed?: () => Promise<void>;
  readonly isTerminal: boolean;
  /** Width in characters, where it is known; of a terminal, as it is now. */
  readonly columns?: number | undefined;
  /** Height in lines, of a terminal, as it is now. */
  readonly rows?: number | undefined;
  /**
   * Calls back when a terminal has another size, or was lent to somebody else.
   *
   * @returns Takes the callback away.
   */
  readonly onResize?: (listener: () => void) => () => void;
}

/** The process around a command, or a test's stand-in for it. */
export interface CliIo {
  /** Results, and nothing else. */
  readonly stdout: CliOutput;
  /** Progress, warnings, errors. */
  readonly stderr: CliOutput;
  /** All of standard input, as UTF-8. */
  readonly readStdin: () => Promise<string>;
  /**
   * Puts a question to the user. Absent where nobody is there to answer.
   *
   * @returns `undefined` where no answer comes.
   */
  readonly ask?: ((question: string) => Promise<string | undefined>) | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Aborts when the user wants the command to come to its end: SIGINT, SIGTERM, a closed terminal,
   * nobody reading stdout any more.
   */
  readonly signal: AbortSignal;
  /**
   * Calls back when the user wants files to be read again: SIGHUP.
   *
   * @returns Takes the callback away.
   */
  readonly onReload: (listener: () => void) => () => void;
}

/** More than any notice of ours. What is longer repeats what somebody else has sent. */
const MAX_NOTICE_CHARACTERS = 5000;

/** Tells the user something that is no result: one line on stderr, cut where it is very long. */
export function writeNotice(io: CliIo, text: string): void {
  const start = printable(text.slice(0, MAX_NOTICE_CHARACTERS));
  const end = text.length > MAX_NOTICE_CHARACTERS ? "…" : "";
  io.stderr.write(`talos-discovery: ${start}${end}\n`);
}
