/**
 * Flags, each with an environment variable of the same name: `--cluster-id` is `TALOS_DISCOVERY_CLUSTER_ID`.
 * @module
 */
import { type Command, Option } from "commander";
import { oneLine, UsageError } from "./exit.ts";

const VARIABLE_PREFIX = "TALOS_DISCOVERY_";

/** A flag of a command. */
export class FlagOption extends Option {
  /** Read where the flag is not given. */
  readonly variable: string;

  constructor(flags: string, description: string) {
    super(flags, description);
    this.variable = VARIABLE_PREFIX + this.name().replaceAll("-", "_").toUpperCase();
    this.description = `${description} [${this.variable}]`;
  }
}

/**
 * Describes a flag.
 *
 * @param flags - As commander reads them: `-o, --output <format>`.
 * @param defaultText - What is taken where neither flag nor variable is set.
 */
export function flag(flags: string, description: string, defaultText?: string): FlagOption {
  const option = new FlagOption(flags, description);
  if (defaultText !== undefined) option.default(defaultText, defaultText);
  return option;
}

/** Describes a flag that may be given several times, and as a list with commas. */
export function listFlag(flags: string, description: string): FlagOption {
  const option = new FlagOption(flags, `${description}; repeatable`);
  option.argParser((value: string, previous: readonly string[] | undefined) => [
    ...(previous ?? []),
    value,
  ]);
  return option;
}

/** The values of a command's flags. The command line goes before the environment, the environment before defaults. */
export class Flags {
  readonly #command: Command;
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(command: Command, env: Readonly<Record<string, string | undefined>>) {
    this.#command = command;
    this.#env = env;
  }

  /** Whether the flag stands on the command line itself. */
  isGiven(name: string): boolean {
    return this.#command.getOptionValueSource(this.#find(name).attributeName()) === "cli";
  }

  /** A flag without a value. */
  isOn(name: string): boolean {
    const option = this.#find(name);
    const fromEnvironment = this.#environment(option);
    if (fromEnvironment === undefined) return this.#value(option) === true;
    if (/^(1|true|yes|on)$/i.test(fromEnvironment)) return true;
    if (/^(0|false|no|off)$/i.test(fromEnvironment)) return false;
    throw new UsageError(`${option.variable}: is neither true nor false`);
  }

  /** A flag's text; an empty one counts as none. */
  text(name: string): string | undefined {
    const option = this.#find(name);
    const value = this.#environment(option) ?? this.#value(option);
    return typeof value === "string" && value !== "" ? value : undefined;
  }

  /** A flag's text that must be there. */
  requiredText(name: string): string {
    const text = this.text(name);
    if (text !== undefined) return text;
    throw new UsageError(`--${name} is missing (or ${this.#find(name).variable})`);
  }

  /** The texts of a repeatable flag. */
  texts(name: string): string[] {
    const option = this.#find(name);
    const value = this.#environment(option) ?? this.#value(option);
    const given = Array.isArray(value) ? value.map(String) : value === undefined ? [] : [value];
    return given
      .flatMap((text) => String(text).split(","))
      .map((text) => text.trim())
      .filter((text) => text !== "");
  }

  /** Reads a flag's text. An error of `parse` becomes one line that names the flag, or the variable it came from. */
  parsed<T>(name: string, parse: (text: string) => T): T | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : this.#naming(name, () => parse(text));
  }

  /** Reads each text of a repeatable flag. */
  parsedList<T>(name: string, parse: (text: string) => T): T[] {
    return this.texts(name).map((text) => this.#naming(name, () => parse(text)));
  }

  /** `--name`, or the variable where the value came from there. */
  origin(name: string): string {
    const option = this.#find(name);
    return this.#environment(option) === undefined ? `--${name}` : option.variable;
  }

  #naming<T>(name: string, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      throw new UsageError(`${this.origin(name)}: ${oneLine(error)}`, { cause: error });
    }
  }

  #find(name: string): FlagOption {
    for (const option of this.#command.options) {
      if (option instanceof FlagOption && option.name() === name) return option;
    }
    throw new TypeError(`name: the command ${this.#command.name()} has no flag --${name}`);
  }

  #value(option: FlagOption): unknown {
    return this.#command.getOptionValue(option.attributeName());
  }

  #environment(option: FlagOption): string | undefined {
    if (this.#command.getOptionValueSource(option.attributeName()) === "cli") return undefined;
    return this.#env[option.variable] || undefined;
  }
}
