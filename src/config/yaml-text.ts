/**
 * YAML with the place of everything in it: nodes, not values. So neither keys that nobody asks for
 * nor an alias that multiplies itself cost anything, and an error can name its line.
 * @module
 */
import {
  Composer,
  type CST,
  type Document,
  type ErrorCode,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  type ParsedNode,
  Parser,
  type Tags,
  visit,
  type YAMLError,
  type YAMLMap,
  YAMLParseError,
} from "yaml";

/** Where something is in a text, from 1. */
export interface YamlPlace {
  readonly line: number;
  readonly column: number;
}

/** Why a text is not YAML. */
export interface YamlProblem {
  /** From 0, in UTF-16 units. */
  readonly offset: number;
  /** The library's code. */
  readonly code: ErrorCode;
  /** What is wrong. It repeats nothing of the text, which may have secrets in it. */
  readonly reason: string;
  /** The library's words, which may quote the text. */
  readonly message: string;
}

/** Deeper than any configuration; the library's own recursion ends at some hundred. */
const MAX_DEPTH = 100;

/**
 * Lexemes of a text: some 70,000 lines of `key: value`, which take a second or two to read, and no
 * signal is seen meanwhile.
 */
const MAX_LEXEMES = 500_000;

const ORDERED_MAP = "tag:yaml.org,2002:omap";

/** The library's messages may quote the text; its codes do not. */
const REASONS: Readonly<Partial<Record<ErrorCode, string>>> = {
  BAD_DQ_ESCAPE: "a wrong escape in double quotes",
  BAD_INDENT: "wrong indentation, or a bracket that is not closed",
  BAD_SCALAR_START: "text that starts with a reserved character must stand in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a value with a colon in it must stand in quotes",
  BLOCK_IN_FLOW: "a block inside of brackets",
  DUPLICATE_KEY: "a key that stands twice",
  MISSING_CHAR: "a quote, bracket, comma or colon is missing",
  MULTILINE_IMPLICIT_KEY: "a line without a colon",
  MULTIPLE_DOCS: "a second document",
  TAB_AS_INDENT: "a tab in the indentation",
  UNEXPECTED_TOKEN: "something that does not belong there",
};

/** A text of YAML, as far as it can be read. */
export class YamlText {
  readonly #lines = new LineCounter();
  /** In their order: at least one, which is empty if the text is. None if it is `tooMuch`. */
  readonly documents: readonly Document.Parsed[];
  /** Why nothing was read: it has too many parts, or collections nested more than 100 deep. */
  readonly tooMuch: YamlProblem | undefined;

  constructor(text: string) {
    const tokens = this.#parse(text);
    if (!Array.isArray(tokens)) {
      this.documents = [];
      this.tooMuch = problem(tokens.offset, "RESOURCE_EXHAUSTION", tokens.reason);
      return;
    }
    // The library compares each key with all before it.
    const options = { prettyErrors: false, uniqueKeys: false, customTags: linearTags };
    const composer = new Composer(options);
    this.documents = [...composer.compose(tokens, true, text.length)] as Document.Parsed[];
    for (const document of this.documents) addDuplicateKeys(document);
  }

  #parse(text: string): CST.Token[] | Pick<YamlProblem, "offset" | "reason"> {
    const parser = new Parser(this.#lines.addNewLine);
    const tokens: CST.Token[] = [];
    let lexemes = 0;
    this.#lines.addNewLine(0);
    for (const lexeme of new Lexer().lex(text)) {
      if (++lexemes > MAX_LEXEMES) {
        return { offset: parser.offset, reason: `more than ${MAX_LEXEMES} tokens` };
      }
      tokens.push(...parser.next(lexeme));
    }
    tokens.push(...parser.end());
    const deep = tokens.find((token) => depthOf(token) > MAX_DEPTH);
    return deep === undefined
      ? tokens
      : { offset: deep.offset, reason: `nested more than ${MAX_DEPTH} deep` };
  }

  /** The first error of a text that must be one document, which is then the first one. */
  get problem(): YamlProblem | undefined {
    const [first, second] = this.documents;
    const own = this.tooMuch ?? (first && firstError(first));
    return own ?? (second && problem(second.range[0], "MULTIPLE_DOCS"));
  }

  /** @param offset - From 0, in UTF-16 units. */
  placeAt(offset: number): YamlPlace {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

/** The first error of a document: one wrong character makes many, and the first is the cause. */
export function firstError(document: Document.Parsed): YamlProblem | undefined {
  const [error] = document.errors;
  return error && problemOf(error);
}

/** An error or a warning of the library. */
export function problemOf({ pos, code, message }: YAMLError): YamlProblem {
  return problem(pos[0], code, REASONS[code], message);
}

/** What a document has: nothing if it is empty, `null`, or comments alone. */
export function contentsOf({ contents }: Document.Parsed): Node | undefined {
  return contents === null || (isScalar(contents) && contents.value === null)
    ? undefined
    : contents;
}

function problem(
  offset: number,
  code: ErrorCode,
  reason: string = REASONS[code] ?? "it does not parse",
  message: string = reason,
): YamlProblem {
  return { offset, code, reason, message };
}

/** Without the library's check of ordered maps, which compares each key with all before it. */
function linearTags(tags: Tags): Tags {
  const isOrderedMap = (tag: Tags[number]) => typeof tag === "object" && tag.tag === ORDERED_MAP;
  return [
    ...tags.filter((tag) => !isOrderedMap(tag)),
    { tag: ORDERED_MAP, collection: "seq", resolve: (items) => items },
  ];
}

/** Adds the errors that the library would have found, where it would have. */
function addDuplicateKeys({ contents, errors }: Document.Parsed): void {
  const found: Found[] = [];
  visit(contents as ParsedNode | null, {
    Map(_key, map) {
      const duplicates = duplicateKeys(map);
      for (const { key, value } of duplicates) {
        const [start, end] = key.range;
        // In brackets it looks at a pair's value first.
        const seenAt = map.flow === true ? (value?.range[1] ?? end) : start;
        const message = "Map keys must be unique";
        const error = new YAMLParseError([start, start + 1], "DUPLICATE_KEY", message);
        found.push({ error, seenAt });
      }
    },
  });
  if (found.length === 0) return;
  found.sort((a, b) => a.seenAt - b.seenAt);
  const others = errors.splice(0);
  let next = 0;
  for (const other of others) {
    for (; next < found.length; next++) {
      const { error, seenAt } = found[next] as Found;
      if (other.pos[0] < seenAt) break;
      errors.push(error);
    }
    errors.push(other);
  }
  for (const { error } of found.slice(next)) errors.push(error);
}

interface Found {
  readonly error: YAMLParseError;
  /** How far the library has read when it finds it. */
  readonly seenAt: number;
}

interface ParsedPair {
  readonly key: ParsedNode;
  readonly value: ParsedNode | null;
}

/** Keys are compared as the library does: scalars by value. */
function duplicateKeys(map: YAMLMap): readonly ParsedPair[] {
  const seen = new Set<unknown>();
  return (map.items as readonly ParsedPair[]).filter(({ key }) => {
    if (!isScalar(key) || Number.isNaN(key.value)) return false;
    const isDuplicate = seen.has(key.value);
    seen.add(key.value);
    return isDuplicate;
  });
}

/** How deep a token's collections are nested, without recursion. */
function depthOf(root: CST.Token): number {
  let deepest = 0;
  const open: [token: CST.Token, depth: number][] = [[root, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [token, depth] = next;
    deepest = Math.max(deepest, depth);
    if (token.type === "document" && token.value) open.push([token.value, depth]);
    if (!("items" in token)) continue;
    for (const { key, value } of token.items) {
      if (key) open.push([key, depth + 1]);
      if (value) open.push([value, depth + 1]);
    }
  }
  return deepest;
}
