/**
 * Flags, each with an environment variable of the same name: `--cluster-id` is
 * `TALOS_DISCOVERY_CLUSTER_ID`. Where a command reads a configuration file, its keys are these
 * names too.
 * @module
 */
import { type Command, Option } from "commander";
import { oneLine, UsageError } from "../exit.ts";
import type { ConfigEntry, ConfigFile } from "./config-file.ts";
import type { FlagKind } from "./flag-values.ts";

const VARIABLE_PREFIX = "TALOS_DISCOVERY_";

/** A flag of a command. */
export class FlagOption extends Option {
  readonly kind: FlagKind;
  readonly #purpose: string;
  #variable: string;

  constructor(flags: string, description: string, kind: FlagKind) {
    super(flags, description);
    this.kind = kind;
    this.#purpose = description;
    this.#variable = variableOf(this.name());
    this.#describe();
  }

  /** Read where the flag is not given. */
  get variable(): string {
    return this.#variable;
  }

  /**
   * Puts the command's name into the variable, where a flag of another command has the same name
   * and means something else: one environment may be that of both.
   *
   * @param command - Its words after the program's name: `export prometheus`.
   */
  ownedBy(command: string): this {
    this.#variable = variableOf(`${command}-${this.name()}`);
    this.#describe();
    return this;
  }

  #describe(): void {
    this.description = `${this.#purpose} [${this.#variable}]`;
  }
}

function variableOf(words: string): string {
  return VARIABLE_PREFIX + words.replaceAll(/[- ]/g, "_").toUpperCase();
}

/**
 * Describes a flag.
 *
 * @param flags - As commander reads them: `-o, --output <format>`.
 * @param defaultText - What is taken where neither flag nor variable is set.
 */
export function flag(flags: string, description: string, defaultText?: string): FlagOption {
  const option = new FlagOption(flags, description, flags.includes("<") ? "text" : "switch");
  if (defaultText !== undefined) option.default(defaultText, defaultText);
  return option;
}

/** Describes a flag that takes a whole number; the parser of its value says from where to where. */
export function numberFlag(flags: string, description: string, defaultValue: number): FlagOption {
  const option = new FlagOption(flags, description, "number");
  return option.default(String(defaultValue), String(defaultValue)) as FlagOption;
}

/**
 * Describes a flag that takes a size in bytes, as text with a unit or as a whole number.
 *
 * @param defaultText - What is taken where neither flag nor variable is set.
 */
export function sizeFlag(flags: string, description: string, defaultText?: string): FlagOption {
  const option = new FlagOption(flags, description, "size");
  if (defaultText !== undefined) option.default(defaultText, defaultText);
  return option;
}

/** Describes a flag that is on or off, and takes Go's `--name=false` too; see `rewriteGoFlags`. */
export function switchFlag(name: string, description: string, isOn: boolean): FlagOption {
  const option = new FlagOption(isOn ? `${name} [=false]` : name, description, "switch");
  option.optional = true;
  return option.default(String(isOn), isOn ? "on" : "off") as FlagOption;
}

/** Describes a flag that may be given several times, and as a list with commas. */
export function listFlag(flags: string, description: string): FlagOption {
  const option = new FlagOption(flags, `${description}; repeatable`, "list");
  option.argParser((value: string, previous: readonly string[] | undefined) => [
    ...(previous ?? []),
    value,
  ]);
  return option;
}

/** Where a value came from. */
export type FlagSource = "flag" | "environment" | "file" | "default";

interface FoundValue {
  readonly source: FlagSource;
  /** For an error: `--name`, a variable, or a file with line and column. */
  readonly origin: string;
  readonly value: unknown;
}

/**
 * The values of a command's flags. The command line goes before the environment, the environment
 * before a configuration file, the file before defaults.
 */
export class Flags {
  readonly #command: Command;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #file: ConfigFile | undefined;

  constructor(
    command: Command,
    env: Readonly<Record<string, string | undefined>>,
    file?: ConfigFile,
  ) {
    this.#command = command;
    this.#env = env;
    this.#file = file;
  }

  /** The same flags over a configuration file. */
  withFile(file: ConfigFile): Flags {
    return new Flags(this.#command, this.#env, file);
  }

  /** The command's flags, in the order of its help. */
  options(): FlagOption[] {
    return this.#command.options.filter((option) => option instanceof FlagOption);
  }

  /** Whether the flag stands on the command line itself. */
  isGiven(name: string): boolean {
    return this.source(name) === "flag";
  }

  /** Where a flag's value came from. */
  source(name: string): FlagSource {
    return this.#lookUp(this.#find(name)).source;
  }

  /** A flag without a value, or with one of Go's booleans. */
  isOn(name: string): boolean {
    const { value, origin } = this.#lookUp(this.#find(name));
    if (value === undefined || typeof value === "boolean") return value === true;
    if (/^(1|t|true|yes|on)$/i.test(String(value))) return true;
    if (/^(0|f|false|no|off)$/i.test(String(value))) return false;
    throw new UsageError(`${origin}: is neither true nor false`);
  }

  /**
   * Looks whether flags say something. In the environment they may be for another command.
   *
   * @throws {UsageError} for one on the command line that means nothing while the switch `needed`
   *   is off.
   */
  refuseWithout(needed: string, names: readonly string[]): void {
    if (this.isOn(needed)) return;
    const idle = names.find((name) => this.isGiven(name));
    if (idle !== undefined) throw new UsageError(`--${idle}: only with --${needed}`);
  }

  /** A flag's text; an empty one counts as none. */
  text(name: string): string | undefined {
    const { value } = this.#lookUp(this.#find(name));
    if (typeof value === "number") return String(value);
    return typeof value === "string" && value !== "" ? value : undefined;
  }

  /** A flag's text that must be there. */
  requiredText(name: string): string {
    const text = this.text(name);
    if (text !== undefined) return text;
    throw new UsageError(`--${name} is missing (or ${this.#find(name).variable})`);
  }

  /**
   * The texts of a repeatable flag.
   *
   * @throws {UsageError} for one on the command line without any: what a shell had no value for
   *   must not undo a filter, nor lead to a default.
   */
  texts(name: string): string[] {
    const { value, source } = this.#lookUp(this.#find(name));
    const given = Array.isArray(value) ? value.map(String) : value === undefined ? [] : [value];
    const texts = given
      .flatMap((text) => String(text).split(","))
      .map((text) => text.trim())
      .filter((text) => text !== "");
    if (source === "flag" && texts.length === 0) throw new UsageError(`--${name}: is empty`);
    return texts;
  }

  /**
   * Reads a flag's text. An error of `parse` becomes one line that names the flag, or where else
   * the value came from: `invalid "x": …` becomes `invalid --name "x": …`, other texts follow it.
   */
  parsed<T>(name: string, parse: (text: string) => T): T | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : this.#naming(name, () => parse(text));
  }

  /** Reads a flag's text that must be there. */
  requiredParsed<T>(name: string, parse: (text: string) => T): T {
    const text = this.requiredText(name);
    return this.#naming(name, () => parse(text));
  }

  /** Reads each text of a repeatable flag. */
  parsedList<T>(name: string, parse: (text: string) => T): T[] {
    return this.texts(name).map((text) => this.#naming(name, () => parse(text)));
  }

  /**
   * `--name`, or the variable, or the place in the configuration file, where the value came from
   * there.
   */
  origin(name: string): string {
    return this.#lookUp(this.#find(name)).origin;
  }

  #naming<T>(name: string, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      const message = oneLine(error);
      const origin = this.origin(name);
      const line = message.startsWith('invalid "')
        ? `${origin.replace(/\S+$/, "invalid $&")}${message.slice("invalid".length)}`
        : `${origin}: ${message}`;
      throw new UsageError(line, { cause: error });
    }
  }

  #find(name: string): FlagOption {
    for (const option of this.options()) if (option.name() === name) return option;
    throw new TypeError(`name: the command ${this.#command.name()} has no flag --${name}`);
  }

  #lookUp(option: FlagOption): FoundValue {
    const attribute = option.attributeName();
    const flagOrigin = `--${option.name()}`;
    const value: unknown = this.#command.getOptionValue(attribute);
    if (this.#command.getOptionValueSource(attribute) === "cli") {
      return { source: "flag", origin: flagOrigin, value };
    }
    const fromEnvironment = this.#env[option.variable];
    if (fromEnvironment) {
      return { source: "environment", origin: option.variable, value: fromEnvironment };
    }
    const entry: ConfigEntry | undefined = this.#file?.entries.get(option.name());
    if (entry !== undefined) {
      const origin = `${entry.place}: ${option.name()}`;
      return { source: "file", origin, value: entry.value };
    }
    return { source: "default", origin: flagOrigin, value };
  }
}
