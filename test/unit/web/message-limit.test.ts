import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limitMessages } from "../../../src/web/message-limit.ts";

const MAX_BYTES = 50;

function message(bytes: number): Uint8Array<ArrayBuffer> {
  const envelope = new Uint8Array(5 + bytes).fill(255);
  new DataView(envelope.buffer).setUint32(1, bytes);
  return envelope;
}

async function read(chunks: readonly Uint8Array<ArrayBuffer>[], contentType: string) {
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const headers = { "content-type": contentType };
  const fetch = limitMessages(async () => new Response(body, { headers }), MAX_BYTES);
  return new Uint8Array(await (await fetch("http://a.test")).arrayBuffer());
}

function cut(bytes: Uint8Array<ArrayBuffer>, sizes: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    chunks.push(bytes.slice(at, at + size));
    at += size;
  }
  return chunks;
}

function concat(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

describe("the limit on messages", () => {
  test.each(["application/grpc-web+proto", "application/connect+proto"])(
    "holds for each message of a stream, however it is cut: %s",
    async (contentType) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.nat(MAX_BYTES), { maxLength: 5 }),
          fc.array(fc.nat(20)),
          fc.option(fc.integer({ min: MAX_BYTES + 1, max: 0xffff_ffff })),
          async (sizes, cuts, tooLarge) => {
            const good = concat(sizes.map(message));
            expect(await read(cut(good, cuts), contentType)).toEqual(good);
            if (tooLarge === null) return;
            const head = new Uint8Array(5);
            new DataView(head.buffer).setUint32(1, tooLarge);
            await expect(read(cut(concat([good, head]), cuts), contentType)).rejects.toThrow(
              `message of ${tooLarge} bytes`,
            );
          },
        ),
      );
    },
  );

  test("holds for any other response as a whole", async () => {
    const half = new Uint8Array(MAX_BYTES / 2);
    expect(await read([half, half], "application/proto")).toHaveLength(MAX_BYTES);
    await expect(read([half, half, half], "application/proto")).rejects.toThrow("larger");
  });

  test("keeps status and headers, and a response without a body", async () => {
    const empty = limitMessages(async () => new Response(null, { status: 204 }), MAX_BYTES);
    expect((await empty("http://a.test")).status).toBe(204);
    const init = { status: 418, headers: { a: "b" } };
    const teapot = await limitMessages(async () => new Response("x", init), MAX_BYTES)("http://a");
    expect([teapot.status, teapot.headers.get("a")]).toEqual([418, "b"]);
  });
});
