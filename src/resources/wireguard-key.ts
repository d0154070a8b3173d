/**
 * The form of WireGuard's keys, public and private.
 * @module
 */

/**
 * 32 bytes: 42 characters of 6 bits, one of 4 whose last two bits are 0 (`wg` refuses others), and
 * padding.
 */
const KEY_FORM = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** Whether the text is standard base64 of 32 bytes, in the one spelling that WireGuard takes. */
export function isWireguardKey(text: string): boolean {
  return KEY_FORM.test(text);
}
