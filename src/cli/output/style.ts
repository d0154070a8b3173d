/**
 * Colour, for terminals only.
 * @module
 */
import { styleText } from "node:util";

/** Paints text, or leaves it as it is. */
export interface Style {
  readonly heading: (text: string) => string;
  readonly created: (text: string) => string;
  readonly destroyed: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
}

const plain = (text: string): string => text;

/** Everything as it is: for pipes and files. */
export const PLAIN: Style = {
  heading: plain,
  created: plain,
  destroyed: plain,
  good: plain,
  warning: plain,
  bad: plain,
  dim: plain,
};

// What to paint is the caller's decision, not the look of this process's own stdout.
const paint = (format: "bold" | "green" | "yellow" | "red" | "dim") => (text: string) =>
  styleText(format, text, { validateStream: false });

const COLOURED: Style = {
  heading: paint("bold"),
  created: paint("green"),
  destroyed: paint("red"),
  good: paint("green"),
  warning: paint("yellow"),
  bad: paint("red"),
  dim: paint("dim"),
};

/**
 * Chooses the style for an output.
 *
 * @see https://no-color.org: any non-empty `NO_COLOR` switches colour off.
 */
export function chooseStyle(
  output: { readonly isTerminal: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Style {
  const wanted = output.isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
  return wanted ? COLOURED : PLAIN;
}
