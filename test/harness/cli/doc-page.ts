/**
 * The command lines of a page of docs: its `sh` blocks.
 * @module
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ROOT } from "../paths.ts";

/** A block of commands. */
export interface DocBlock {
  /** Why nobody runs it: a comment before it says so. */
  readonly notRun: string | undefined;
  /** A command that goes over several lines with `\` is in one piece. */
  readonly text: string;
}

/** @param path - Inside the repository. */
export function readDocBlocks(path: string): readonly DocBlock[] {
  const page = readFileSync(resolve(ROOT, path), "utf8");
  return [...page.matchAll(/(?:<!-- not run: ([^\n]+) -->\n)?```sh\n(.*?)```/gs)].map(
    ([, notRun, text = ""]) => ({ notRun, text: text.replaceAll(/ \\\n\s*/g, " ") }),
  );
}
