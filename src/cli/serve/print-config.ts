/**
 * `serve --print-config`: what is in force, as a configuration file that says of each value where
 * it comes from.
 * @module
 */
import { stringify } from "yaml";
import type { FlagOption, Flags } from "../flags/flags.ts";

/** What follows from settings and the machine. */
export interface ComputedConfig {
  /** Values of flags that are not set, by name: `268435456 # computed: half of 512Mi`. */
  readonly values: ReadonlyMap<string, string>;
  /** What is no flag, a line each. */
  readonly notes: readonly string[];
}

/**
 * Prints flags as YAML, one line each. What is not set stands there as a comment, and so does what
 * is computed instead, so that the whole is a file for `--config` with the same effect.
 */
export function printConfig(
  flags: Flags,
  options: readonly FlagOption[],
  { values, notes }: ComputedConfig,
): string {
  const lines = options.map((option) => printOne(flags, option, values.get(option.name())));
  return [...lines, ...notes.map((note) => `# ${note}`)].map((line) => `${line}\n`).join("");
}

function printOne(flags: Flags, option: FlagOption, computed: string | undefined): string {
  const name = option.name();
  const value = effectiveValue(flags, option);
  if (value === undefined) {
    return computed === undefined ? `# ${name}: is not set` : `# ${name}: ${computed}`;
  }
  // JSON's flow style keeps lists on their line, and quotes what YAML would read as something else.
  const text = stringify({ [name]: value }, { lineWidth: 0, collectionStyle: "flow" })
    .trim()
    .replace(/^\{\s*(.*?)\s*\}$/s, "$1");
  return `${text} # ${describeSource(flags, option)}`;
}

function effectiveValue(flags: Flags, option: FlagOption): unknown {
  const name = option.name();
  switch (option.kind) {
    case "switch":
      return flags.isOn(name);
    case "number":
      return Number(flags.requiredText(name));
    case "size": {
      const text = flags.text(name);
      return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
    }
    case "list": {
      const texts = flags.texts(name);
      return texts.length === 0 ? undefined : texts;
    }
    case "text":
      // An empty text that was given says something: it switches a listener off.
      return flags.text(name) ?? (flags.source(name) === "default" ? undefined : "");
  }
}

function describeSource(flags: Flags, option: FlagOption): string {
  switch (flags.source(option.name())) {
    case "flag":
      return `flag --${option.name()}`;
    case "environment":
      return `variable ${option.variable}`;
    case "file":
      return flags.origin(option.name()).replace(/: [a-z-]+$/, "");
    case "default":
      return "default";
  }
}
