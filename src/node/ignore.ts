/**
 * A listener for errors of connections that have ended anyway.
 * @module
 */

/** Does nothing. Without a listener Node throws an `error` event as an uncaught exception. */
export function ignore(): void {}
