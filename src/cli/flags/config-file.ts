/**
 * A configuration file in YAML, whose keys are a command's flags: `addr: ":3000"`.
 * @module
 */
import { isMap, isScalar, isSeq, type Node } from "yaml";
import type { SignalOptions } from "../../async/waits.ts";
import { contentsOf, problemOf, YamlText } from "../../config/yaml-text.ts";
import { quote } from "../../net/quote.ts";
import { UsageError } from "../exit.ts";
import { readInputFile, shownPath } from "../input-file.ts";
import type { FlagKind } from "./flag-values.ts";

/** What a key may hold. */
export type ConfigValue = string | number | boolean | readonly string[];

/** A key's value, and where it stands. */
export interface ConfigEntry {
  readonly value: ConfigValue;
  /** `FILE:LINE:COLUMN`, both from 1. */
  readonly place: string;
}

/** A file that was read. */
export interface ConfigFile {
  readonly path: string;
  readonly entries: ReadonlyMap<string, ConfigEntry>;
}

const EXPECTED: Readonly<Record<FlagKind, string>> = {
  text: "text",
  number: "a whole number",
  size: "a number of bytes or a text such as 256Mi",
  switch: "true or false",
  list: "a list of texts",
};

/**
 * Reads a configuration file.
 *
 * @param kinds - The keys that may be there, and what each holds.
 * @param options - `signal` ends the wait for a file that is a FIFO.
 * @throws {UsageError} `FILE:LINE:COLUMN: why`, for text that is no YAML, a key that is not known
 *   or stands there twice, and a value of the wrong type.
 */
export async function readConfigFile(
  path: string,
  kinds: ReadonlyMap<string, FlagKind>,
  options: SignalOptions,
): Promise<ConfigFile> {
  return parseConfigFile(path, await readInputFile(path, options), kinds);
}

/** Reads the text of a configuration file; see {@link readConfigFile}. */
export function parseConfigFile(
  path: string,
  text: string,
  kinds: ReadonlyMap<string, FlagKind>,
): ConfigFile {
  const yaml = new YamlText(text);
  const [document] = yaml.documents;
  const placeAt = (offset: number): string => {
    const { line, column } = yaml.placeAt(offset);
    return `${shownPath(path)}:${line}:${column}`;
  };
  const placeOf = (node: unknown): string => placeAt((node as Node | null)?.range?.[0] ?? 0);

  const problem = yaml.problem ?? document?.warnings.map(problemOf)[0];
  if (problem !== undefined) {
    // The library's words for it are for who calls it.
    const reason =
      problem.code === "MULTIPLE_DOCS"
        ? "is a second document; all keys stand in one"
        : problem.message;
    throw new UsageError(`${placeAt(problem.offset)}: ${reason}`);
  }
  const contents = document && contentsOf(document);
  const entries = new Map<string, ConfigEntry>();
  // An empty file, or one of comments, sets nothing.
  if (contents === undefined) return { path, entries };
  if (!isMap(contents)) {
    throw new UsageError(`${placeOf(contents)}: is no list of keys with their values`);
  }
  for (const { key, value } of contents.items) {
    const name = isScalar(key) ? String(key.value) : "";
    const kind = kinds.get(name);
    if (kind === undefined) {
      throw new UsageError(`${placeOf(key)}: unknown key ${quote(name)}${didYouMean(name, kinds)}`);
    }
    // A key that is left empty has no place of its own.
    const place = placeOf((value as Node | null)?.range ? value : key);
    const found = readValue(value, kind);
    if (found === undefined) throw new UsageError(`${place}: ${name}: is not ${EXPECTED[kind]}`);
    entries.set(name, { value: found, place });
  }
  return { path, entries };
}

function readValue(node: unknown, kind: FlagKind): ConfigValue | undefined {
  if (kind === "list") {
    if (!isSeq(node)) return undefined;
    const texts = node.items.map((item) => (isScalar(item) ? item.value : undefined));
    return texts.every((text) => typeof text === "string") ? texts : undefined;
  }
  const value = isScalar(node) ? node.value : undefined;
  switch (kind) {
    case "text":
      return typeof value === "string" ? value : undefined;
    case "number":
      return Number.isSafeInteger(value) ? (value as number) : undefined;
    case "size":
      return typeof value === "string" || Number.isSafeInteger(value)
        ? (value as string | number)
        : undefined;
    case "switch":
      return typeof value === "boolean" ? value : undefined;
  }
}

function didYouMean(name: string, kinds: ReadonlyMap<string, FlagKind>): string {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z]/g, "");
  const similar = [...kinds.keys()].find((known) => plain(known) === plain(name));
  return similar === undefined ? "" : ` (did you mean ${similar}?)`;
}
