/**
 * A `fetch` whose responses hold no message over a limit. The transports on `fetch` read any length
 * that a message's head claims, up to 4 GiB, so a hostile service could take all memory.
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { ENVELOPE_HEAD_BYTES } from "../protocol/envelope.ts";

/** Content types whose body is a sequence of messages with heads. */
const ENVELOPED = /^application\/(grpc-web|connect\+)/i;

/**
 * Limits each message of an enveloped response, and every other response as a whole.
 *
 * @param maxBytes - Of one message; a larger one ends the response with `resource_exhausted`.
 */
export function limitMessages(
  fetch: typeof globalThis.fetch,
  maxBytes: number,
): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (response.body === null) return response;
    const isEnveloped = ENVELOPED.test(response.headers.get("content-type") ?? "");
    const check = isEnveloped ? createEnvelopeCheck(maxBytes) : createTotalCheck(maxBytes);
    const limited = response.body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller) {
          check(chunk);
          controller.enqueue(chunk);
        },
      }),
    );
    return new Response(limited, {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
    });
  };
}

type Check = (chunk: Uint8Array) => void;

function createTotalCheck(maxBytes: number): Check {
  let totalBytes = 0;
  return (chunk) => {
    totalBytes += chunk.length;
    if (totalBytes > maxBytes) throw tooLarge(totalBytes, maxBytes);
  };
}

/** Follows the heads from chunk to chunk; what lies between them is passed over. */
function createEnvelopeCheck(maxBytes: number): Check {
  let headBytes = 0;
  let messageBytes = 0;
  let passOver = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (passOver > 0) {
        const step = Math.min(passOver, chunk.length - at);
        passOver -= step;
        at += step;
        continue;
      }
      // Byte 0 of a head holds flags.
      if (headBytes > 0) messageBytes = messageBytes * 256 + (chunk[at] ?? 0);
      at++;
      if (++headBytes < ENVELOPE_HEAD_BYTES) continue;
      if (messageBytes > maxBytes) throw tooLarge(messageBytes, maxBytes);
      passOver = messageBytes;
      headBytes = 0;
      messageBytes = 0;
    }
  };
}

function tooLarge(bytes: number, maxBytes: number): ConnectError {
  return new ConnectError(
    `message of ${bytes} bytes is larger than ${maxBytes}`,
    Code.ResourceExhausted,
  );
}
