/**
 * A host and a port in one text, as URLs have them.
 * @module
 */

/**
 * Puts brackets around an IPv6 address, and around nothing else.
 *
 * @param host - A name or an address without brackets.
 * @example
 * hostPort("fd00::1", 443); // "[fd00::1]:443"
 */
export function hostPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
