/**
 * HTML out of pieces that are escaped unless they are HTML themselves.
 * @module
 */

/** HTML that is known to be well formed. Made by {@link html} alone. */
export class Html {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/**
 * What may stand in a template: text is escaped, HTML is not, and of a list each item is one of the
 * two.
 */
export type HtmlValue = Html | string | number | readonly HtmlValue[];

/**
 * A template of HTML.
 *
 * @example
 * html`<p title="${"a \"b\""}">${"1 < 2"}</p>`.source; // <p title="a &quot;b&quot;">1 &lt; 2</p>
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(
    strings.reduce((all, text, i) => all + sourceOf(values[i - 1] as HtmlValue) + text),
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function sourceOf(value: HtmlValue): string {
  if (value instanceof Html) return value.source;
  if (typeof value === "object") return value.map(sourceOf).join("");
  return String(value).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] as string);
}
