/**
 * The slow, obvious twin of `src/identity/base62.ts`: it spells the input out as a string of 0 and 1.
 * @module
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const isEscape = (value: number) => value === 30 || value === 31 || value === 62 || value === 63;

/** Bits with the least significant one first. */
const bitsOf = (value: number, count: number) =>
  Array.from({ length: count }, (_, i) => (value >> i) & 1).join("");

const valueOfBits = (bits: string) =>
  [...bits].reduce((sum, bit, i) => sum + Number(bit) * 2 ** i, 0);

export function slowEncode(bytes: Uint8Array): string {
  let rest = [...bytes]
    .reverse()
    .map((byte) => bitsOf(byte, 8))
    .join("");
  let text = "";
  while (rest !== "") {
    const value = valueOfBits(rest.slice(0, 6));
    const short = isEscape(value) && (rest.length > 6 || value > 31);
    text += ALPHABET[isEscape(value) ? value % 32 : value];
    rest = rest.slice(short ? 5 : 6);
  }
  return text;
}

/** Only for text within the alphabet. */
export function slowDecode(text: string): Uint8Array {
  const values = [...text].map((character) => ALPHABET.indexOf(character));
  const last = values.pop();
  let bits = values.map((value) => bitsOf(value, isEscape(value) ? 5 : 6)).join("");
  if (last !== undefined && last > 0) bits += bitsOf(last, last.toString(2).length);
  const bytes: number[] = [];
  for (let at = 0; at < bits.length; at += 8) bytes.unshift(valueOfBits(bits.slice(at, at + 8)));
  return Uint8Array.from(bytes);
}
