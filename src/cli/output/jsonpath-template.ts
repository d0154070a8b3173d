/**
 * Templates as `kubectl -o jsonpath=` takes them: text, with paths in braces. The paths themselves
 * are RFC 9535's, read by a library that evaluates nothing but paths.
 * @see https://kubernetes.io/docs/reference/kubectl/jsonpath/
 * @module
 */
import { compile, JSONPathError, type JSONPathQuery } from "json-p3";
import { printable } from "../../net/quote.ts";

/** A template that was read once, for many values. */
export interface JsonPathTemplate {
  /**
   * Fills the template in. What is not there is empty, as with `kubectl`; several values stand with
   * a space between them; lists and objects are JSON. Values are made safe for a terminal, the
   * template's own text is not touched.
   *
   * @param value - Plain data.
   */
  render(value: unknown): string;
}

type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "path"; readonly path: Path }
  | { readonly kind: "range"; readonly path: Path; readonly parts: readonly Part[] };

interface Path {
  readonly query: JSONPathQuery;
  /** `$` is the whole value also inside a range, where all else starts from the current item. */
  readonly isFromRoot: boolean;
}

/** What stands outside braces, or one pair of braces. A brace inside quotes closes nothing. */
const PIECE = /\{((?:[^}"']|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')*)\}|([^{]+)/gsy;

const QUOTED = /^(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')$/s;

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

/**
 * Reads a template.
 *
 * @throws {RangeError} when it is none; the message says at which character, counted from 1.
 * @example
 * parseJsonPathTemplate('{.spec.addresses[0]}{"\\t"}').render({ spec: { addresses: ["10.0.0.1"] } }); // "10.0.0.1\t"
 */
export function parseJsonPathTemplate(template: string): JsonPathTemplate {
  if (!template.includes("{")) {
    throw new RangeError("a jsonpath template has its paths in braces, such as '{.metadata.id}'");
  }
  const root: Part[] = [];
  const open: { readonly parts: Part[]; readonly start: number }[] = [];
  let parts = root;
  PIECE.lastIndex = 0;
  for (let start = 0; start < template.length; start = PIECE.lastIndex) {
    const [, inner, text] = PIECE.exec(template) ?? [];
    if (text !== undefined) {
      parts.push({ kind: "text", text });
      continue;
    }
    if (inner === undefined) throw errorAt(start, "a brace or a quote is not closed");
    const expression = inner.trim();
    const at = start + 1 + inner.indexOf(expression);
    const rangePath = /^range\s+(?=\S)/.exec(expression)?.[0];
    if (QUOTED.test(expression)) {
      parts.push({ kind: "text", text: unquote(expression) });
    } else if (rangePath !== undefined) {
      const path = parsePath(expression.slice(rangePath.length), at + rangePath.length);
      open.push({ parts, start });
      const inside: Part[] = [];
      parts.push({ kind: "range", path, parts: inside });
      parts = inside;
    } else if (expression === "end") {
      const opened = open.pop();
      if (opened === undefined) throw errorAt(start, "{end} without {range …}");
      parts = opened.parts;
    } else {
      parts.push({ kind: "path", path: parsePath(expression, at) });
    }
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw errorAt(unclosed.start, "{range …} without {end}");
  return { render: (value) => renderParts(root, value, value) };
}

function parsePath(text: string, at: number): Path {
  const lead = /^[$@]/.exec(text)?.[0] ?? "";
  const steps = text.slice(lead.length);
  if (lead === "" && !/^[.[]/.test(text)) {
    throw errorAt(at, "a path starts with a dot, as in {.metadata.id}");
  }
  try {
    // kubectl's {.} is the value itself, for which the RFC only has $.
    return { query: compile(steps === "." ? "$" : `$${steps}`), isFromRoot: lead === "$" };
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error;
    // The library counts from its own "$", and repeats a part of the path at the end of its
    // message.
    const reason = error.message.replace(/ \('.*':\d+\)$/s, "");
    throw errorAt(at + lead.length + Math.max(0, error.token.index - 1), reason);
  }
}

function errorAt(index: number, reason: string): RangeError {
  return new RangeError(`jsonpath template, character ${index + 1}: ${printable(reason)}`);
}

function unquote(quoted: string): string {
  return quoted
    .slice(1, -1)
    .replaceAll(/\\(.)/gs, (_all, character: string) => ESCAPES[character] ?? character);
}

function renderParts(parts: readonly Part[], root: unknown, current: unknown): string {
  return parts
    .map((part) => {
      if (part.kind === "text") return part.text;
      const values = valuesOf(part.path, root, current);
      return part.kind === "path"
        ? values.map(textOf).join(" ")
        : values.map((value) => renderParts(part.parts, root, value)).join("");
    })
    .join("");
}

function valuesOf({ query, isFromRoot }: Path, root: unknown, current: unknown): unknown[] {
  return query.query((isFromRoot ? root : current) as never).values();
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}
