/**
 * Notices bodies that hold too large a message, for whoever counts them: Connect refuses them without a word to us.
 * @module
 */

/** In front of each message of gRPC, gRPC-Web and Connect's streams: flags, and the length in four bytes. */
const HEAD_BYTES = 5;
const LENGTH_OFFSET = 1;

/**
 * Makes an observer of one request's body.
 *
 * @param contentType - Says whether there is a head with a length, or the body itself is the message.
 * @param onTooLarge - Called once at most.
 * @returns To be called with each chunk. Only the first message counts: no method takes a second one.
 */
export function observeBodySize(
  contentType: string,
  maxBytes: number,
  onTooLarge: () => void,
): (chunk: Uint8Array) => void {
  const hasHead = /^application\/(grpc|connect\+)/.test(contentType);
  let seen = 0;
  let declared = 0;
  let isTold = false;
  return (chunk) => {
    for (let i = 0; hasHead && i < chunk.length && seen + i < HEAD_BYTES; i++) {
      if (seen + i >= LENGTH_OFFSET) declared = declared * 256 + (chunk[i] as number);
    }
    seen += chunk.length;
    const size = hasHead ? (seen < HEAD_BYTES ? 0 : declared) : seen;
    if (isTold || size <= maxBytes) return;
    isTold = true;
    onTooLarge();
  };
}
