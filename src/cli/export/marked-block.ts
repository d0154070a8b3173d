/**
 * A block of lines that is ours, in a text file that is somebody else's.
 * @module
 */
import { CommandFailure } from "../exit.ts";

/** The line before the block. */
const BLOCK_BEGIN = "# BEGIN talos-discovery";

/** The line after it. */
const BLOCK_END = "# END talos-discovery";

/** The block on its own: markers around the lines. */
export function markBlock(lines: readonly string[]): string {
  return [BLOCK_BEGIN, ...lines, BLOCK_END, ""].join("\n");
}

/**
 * Puts a marked block in the place of the one that a text has, else at its end. All else stays as it is.
 *
 * @throws {CommandFailure} where the text does not have exactly one whole block or none: what is ours is then not known.
 */
export function replaceBlock(text: string, block: string): string {
  const lines = text.split("\n");
  const begins = indexesOf(lines, BLOCK_BEGIN);
  const ends = indexesOf(lines, BLOCK_END);
  const [begin] = begins;
  const [end] = ends;
  if (begin === undefined && end === undefined) {
    return text === "" || text.endsWith("\n") ? text + block : `${text}\n${block}`;
  }
  if (begins.length !== 1 || ends.length !== 1 || Number(begin) > Number(end)) {
    throw new CommandFailure(
      `expected one line "${BLOCK_BEGIN}" and one "${BLOCK_END}" after it, or none of them`,
    );
  }
  return (
    lines.slice(0, begin).map(withBreak).join("") + block + lines.slice(Number(end) + 1).join("\n")
  );
}

function indexesOf(lines: readonly string[], marker: string): number[] {
  return lines.flatMap((line, index) => (line.trimEnd() === marker ? [index] : []));
}

function withBreak(line: string): string {
  return `${line}\n`;
}
