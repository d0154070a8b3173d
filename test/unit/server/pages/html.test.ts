import fc from "fast-check";
import { expect, test } from "vitest";
import { html } from "../../../../src/server/pages/html.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

test("text is escaped, HTML is not, and a list is one after the other", () => {
  expect(html`<p title="${'a "b"'}">${["1 < 2", html`<b>${"&"}</b>`, 3]}</p>`.source).toBe(
    '<p title="a &quot;b&quot;">1 &lt; 2<b>&amp;</b>3</p>',
  );
});

test("any text is escaped as its naive twin does it", () => {
  const text = fc.array(fc.oneof(fc.constantFrom(...'&<>"'), fc.constant("'"), fc.string()));
  fc.assert(
    fc.property(text, (pieces) => {
      const whole = pieces.join("");
      const naive = [...whole].map((character) => ENTITIES[character] ?? character).join("");
      expect(html`${whole}`.source).toBe(naive);
    }),
  );
});
