/**
 * Node identities: our base62 against the library that Talos makes them with.
 * @module
 */
import { randomBytes, randomInt } from "node:crypto";
import { expect, inject, test } from "vitest";
import { base62, generateNodeId, parseNodeId } from "../../src/identity/index.ts";
import { LineProcess } from "../harness/processes/line-process.ts";

const ROUNDS = 2000;
const MOST_BYTES = 80;
const CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

interface Answer {
  readonly bytes?: string;
  readonly text?: string;
  readonly error?: string;
}

async function ask(commands: readonly object[]): Promise<readonly Answer[]> {
  await using library = new LineProcess<Answer>("base62", inject("binaries").interop, ["base62"]);
  for (const command of commands) library.send(command);
  await library.until("all answers", () => library.events.length === commands.length || undefined);
  return library.events;
}

test("random bytes have the same text", async () => {
  const inputs = Array.from({ length: ROUNDS }, () => randomBytes(randomInt(1, MOST_BYTES)));
  const answers = await ask(inputs.map((bytes) => ({ bytes: bytes.toString("base64") })));
  expect(inputs.map((bytes) => base62.encode(bytes))).toEqual(answers.map(({ text }) => text));
});

test("random text has the same bytes", async () => {
  const inputs = Array.from({ length: ROUNDS }, () =>
    Array.from({ length: randomInt(1, MOST_BYTES) }, () => CHARACTERS[randomInt(62)]).join(""),
  );
  const answers = await ask(inputs.map((text) => ({ text })));
  for (const [i, text] of inputs.entries()) {
    const { bytes = "", error } = answers[i] ?? {};
    expect({ text, error }).toEqual({ text, error: undefined });
    expect({ text, bytes: Buffer.from(base62.decode(text)).toString("base64") }).toEqual({
      text,
      bytes,
    });
  }
});

test("text with a foreign character is refused by both", async () => {
  const inputs = Array.from({ length: ROUNDS / 10 }, () => {
    const text = base62.encode(randomBytes(32));
    const at = randomInt(text.length);
    return `${text.slice(0, at)}${"-_+/= .ä"[randomInt(8)]}${text.slice(at + 1)}`;
  });
  const answers = await ask(inputs.map((text) => ({ text })));
  for (const [i, text] of inputs.entries()) {
    expect({ text, refused: answers[i]?.error !== undefined }).toEqual({ text, refused: true });
    expect(() => base62.decode(text), text).toThrow();
  }
});

test("fresh identities are read by the library", async () => {
  const ids = Array.from({ length: ROUNDS / 10 }, () => generateNodeId());
  const answers = await ask(ids.map((text) => ({ text })));
  const expected = ids.map((id) => Buffer.from(parseNodeId(id)).toString("base64"));
  expect(answers.map(({ bytes }) => bytes)).toEqual(expected);
});
