/**
 * YAML documents of mappings, and what is wrong with them. What is not asked for is never looked
 * at, and aliases are followed one at a time.
 * @module
 */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from "yaml";
import { contentsOf, firstError, YamlText } from "./yaml-text.ts";

/** Something that is wrong with a configuration. It repeats nothing of the text but known keys. */
export interface ConfigProblem {
  /** From 1, counting every document of the text. */
  readonly document: number;
  /** From 1. */
  readonly line: number;
  /** Path of the key, `cluster.discovery.enabled`; empty where the document itself is meant. */
  readonly key: string;
  /** What is wrong. */
  readonly reason: string;
}

/** The library reports it only where a document is turned into values. */
const DANGLING_ALIAS = "is an alias without its anchor";

/** A text of YAML, as far as it could be read, and what is wrong with it so far. */
export class ConfigText {
  readonly #yaml: YamlText;
  /** Each once, however often a key is looked at. */
  readonly #problems = new Map<string, ConfigProblem>();
  /** Those that are mappings; with `lists`, the items of all documents that are. */
  readonly documents: readonly ConfigMap[];

  /** @param form - What each document is: one mapping, or a list of mappings. */
  constructor(text: string, form: "mappings" | "lists" = "mappings") {
    this.#yaml = new YamlText(text);
    const { documents, tooMuch } = this.#yaml;
    if (tooMuch !== undefined) this.#report(1, tooMuch.offset, "", tooMuch.reason);
    this.documents = documents.flatMap((document, index) =>
      this.#readDocument(document, index + 1, form),
    );
  }

  /** In the order of the text. */
  get problems(): readonly ConfigProblem[] {
    return [...this.#problems.values()].sort((a, b) => a.line - b.line);
  }

  #readDocument(
    document: Document.Parsed,
    number: number,
    form: "mappings" | "lists",
  ): ConfigMap[] {
    const error = firstError(document);
    const place: Place = {
      report: (offset, key, reason) => this.#report(number, offset, key, reason),
      lineOf: (offset) => this.#lineOf(offset),
    };
    if (error !== undefined) {
      place.report(error.offset, "", `is no YAML: ${error.reason}`);
      return [];
    }
    const contents = contentsOf(document);
    if (contents === undefined) return [];
    if (form === "mappings") return mapAt(document, contents, "", place);
    if (isSeq(contents)) {
      return contents.items.flatMap((item, index) =>
        mapAt(document, item as Node, `[${index}]`, place),
      );
    }
    place.report(contents.range?.[0] ?? 0, "", "is no list");
    return [];
  }

  #report(document: number, offset: number, key: string, reason: string): void {
    const line = this.#lineOf(offset);
    this.#problems.set(`${line} ${key} ${reason}`, { document, line, key, reason });
  }

  #lineOf(offset: number): number {
    return this.#yaml.placeAt(offset).line;
  }
}

/** Where something stands in the text. */
interface Place {
  report(offset: number, key: string, reason: string): void;
  lineOf(offset: number): number;
}

/** A node as a mapping: none, and a report, where it is something else. */
function mapAt(document: Document.Parsed, node: Node, path: string, place: Place): ConfigMap[] {
  const target = isAlias(node) ? node.resolve(document) : node;
  if (isMap(target)) return [new ConfigMap(document, target, path, place)];
  place.report(node.range?.[0] ?? 0, path, "is no mapping of keys to values");
  return [];
}

/** A mapping in a document. A value of the wrong type is reported, and counts as absent. */
export class ConfigMap {
  readonly #document: Document.Parsed;
  readonly #map: YAMLMap;
  readonly #path: string;
  readonly #place: Place;

  constructor(document: Document.Parsed, map: YAMLMap, path: string, place: Place) {
    this.#document = document;
    this.#map = map;
    this.#path = path;
    this.#place = place;
  }

  /** Keys that stand in the mapping itself, as they are written; what is no text is left out. */
  get keys(): readonly string[] {
    return this.#map.items.flatMap(({ key }) =>
      isScalar(key) && typeof key.value === "string" ? key.value : [],
    );
  }

  /** Whether the key stands there, with whatever value. */
  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  /** Reports a problem of a key, at its value; of the mapping itself where the key is not there. */
  report(key: string, reason: string): void {
    this.#place.report(this.#offsetOf(key), this.#pathOf(key), reason);
  }

  /** Where the value of a key stands, from 1; the mapping itself where the key is not there. */
  lineOf(key: string): number {
    return this.#place.lineOf(this.#offsetOf(key));
  }

  /** A mapping. Absent, also where the key has no value. */
  map(key: string): ConfigMap | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (isMap(value)) {
      return new ConfigMap(this.#document, value, this.#pathOf(key), this.#place);
    }
    this.#refuse(key, value, "is no mapping of keys to values");
    return undefined;
  }

  /** Text; what looks like a number is text too. Absent, also where it is empty. */
  text(key: string): string | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (!isScalar(value)) {
      this.#refuse(key, value, "is no text");
      return undefined;
    }
    const text = typeof value.value === "string" ? value.value : value.source;
    return text === "" ? undefined : text;
  }

  /** Text that must be there. */
  requiredText(key: string): string | undefined {
    const value = this.#value(key);
    const text = this.text(key);
    if (text === undefined && (value === undefined || isScalar(value))) {
      this.report(key, this.has(key) ? "is empty" : "is missing");
    }
    return text;
  }

  /** A switch, also in the words of older YAML, which Talos takes. */
  isOn(key: string): boolean | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    const word = isScalar(value) ? String(value.source ?? value.value) : "";
    if (/^(true|True|TRUE|y|Y|yes|Yes|YES|on|On|ON)$/.test(word)) return true;
    if (/^(false|False|FALSE|n|N|no|No|NO|off|Off|OFF)$/.test(word)) return false;
    this.#refuse(key, value, "is neither true nor false");
    return undefined;
  }

  /** A list of texts; empty where there is none. */
  texts(key: string): readonly string[] {
    const value = this.#value(key);
    if (value === undefined) return [];
    const items = isSeq(value) ? value.items.map((item) => this.#resolve(item as Node | null)) : [];
    const texts = items.flatMap((item) =>
      isScalar(item) && typeof item.value === "string" ? item.value : [],
    );
    if (isSeq(value) && texts.length === items.length) return texts;
    this.#refuse(key, value, "is no list of texts");
    return [];
  }

  #pathOf(key: string): string {
    return this.#path === "" ? key : `${this.#path}.${key}`;
  }

  #offsetOf(key: string): number {
    const pair = this.#find(key);
    const node = pair?.written?.range ? pair.written : (pair?.key ?? this.#map);
    return node.range?.[0] ?? 0;
  }

  /** What a key has; nothing where that is null. */
  #value(key: string): Node | undefined {
    const value = this.#find(key)?.value;
    return isScalar(value) && value.value === null ? undefined : (value ?? undefined);
  }

  #find(key: string): FoundPair | undefined {
    return this.#findIn(this.#map, key, new Set());
  }

  /**
   * A mapping's own keys go before those that it merges in with `<<`, which may be itself again.
   */
  #findIn(map: YAMLMap, key: string, seen: Set<YAMLMap>): FoundPair | undefined {
    if (seen.has(map)) return undefined;
    seen.add(map);
    const own = pairOf(map, key);
    if (own !== undefined) return { ...own, value: this.#resolve(own.written) };
    const merged = this.#resolve(pairOf(map, "<<")?.written ?? null);
    for (const item of isSeq(merged) ? merged.items : [merged]) {
      const source = this.#resolve(item as Node | null);
      if (isAlias(source)) this.report("<<", DANGLING_ALIAS);
      const found = isMap(source) ? this.#findIn(source, key, seen) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * @returns The alias itself where its anchor is nowhere, which is no value that anybody takes.
   */
  #resolve(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.#document) ?? node) : node;
  }

  #refuse(key: string, value: Node, reason: string): void {
    this.report(key, isAlias(value) ? DANGLING_ALIAS : reason);
  }
}

interface WrittenPair {
  readonly key: Node;
  /**
   * What stands behind it, maybe an alias; null where a key stands alone, without even an empty
   * value.
   */
  readonly written: Node | null;
}

interface FoundPair extends WrittenPair {
  readonly value: Node | null;
}

function pairOf(map: YAMLMap, key: string): WrittenPair | undefined {
  const found = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
  return found && { key: found.key as Node, written: found.value as Node | null };
}
