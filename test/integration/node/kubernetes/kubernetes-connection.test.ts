import { getEventListeners, once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { sendTo } from "../../../../src/node/kubernetes/kubernetes-connection.ts";
import type { KubernetesRequest } from "../../../../src/sources/kubernetes/index.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(answer: RequestListener) {
  const server = createServer(answer);
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connections = () =>
    new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
  return { source: url, server: url, options: async () => ({}), connections };
}

function request(changes: Partial<KubernetesRequest> = {}): KubernetesRequest {
  return { method: "GET", path: "/api", signal: new AbortController().signal, ...changes };
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of body) text += Buffer.from(piece).toString();
  return text;
}

describe("a request to an API server", () => {
  test("has method, path, body and headers, those of the credentials too", async () => {
    const api = await serve(async (asked, answer) => {
      const body = await textOf(asked);
      answer.writeHead(201).end(JSON.stringify([asked.method, asked.url, asked.headers, body]));
    });
    const options = async () => ({ headers: { authorization: "Bearer x" } });
    const sent = request({ method: "PATCH", path: "/a?b=c", contentType: "text/x", body: "hello" });
    const { status, body } = await sendTo({ ...api, options }, sent);
    expect(status).toBe(201);
    expect(JSON.parse(await textOf(body))).toMatchObject([
      "PATCH",
      "/a?b=c",
      { authorization: "Bearer x", "content-type": "text/x", accept: "application/json" },
      "hello",
    ]);
    await expect.poll(api.connections).toBe(0);
  });

  test("that nobody answers fails after a time", async () => {
    const api = await serve(() => {});
    await expect(sendTo(api, request(), { answerMs: 20, watchMs: 1 })).rejects.toMatchObject({
      code: "ERR_KUBERNETES_UNAVAILABLE",
      message: `${api.source}: no answer in 0.02 s`,
    });
    await expect.poll(api.connections).toBe(0);
  });

  test("that nobody takes fails with the reason", async () => {
    const api = await serve(() => {});
    for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
    await expect(sendTo(api, request())).rejects.toMatchObject({
      code: "ERR_KUBERNETES_UNAVAILABLE",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test("whose answer is cut off fails, at the end of what came", async () => {
    const api = await serve((_asked, answer) => {
      answer.writeHead(200, { "content-length": "100" }).write("half", () => answer.destroy());
    });
    const { body } = await sendTo(api, request());
    await expect(textOf(body)).rejects.toMatchObject({ code: "ERR_KUBERNETES_UNAVAILABLE" });
  });

  test("whose answer stops in the middle fails after a time", async () => {
    const api = await serve((_asked, answer) => {
      answer.writeHead(200, { "content-length": "100" }).write("half");
    });
    const { body } = await sendTo(api, request(), { answerMs: 500, watchMs: 1 });
    await expect(textOf(body)).rejects.toMatchObject({ code: "ERR_KUBERNETES_UNAVAILABLE" });
    await expect.poll(api.connections).toBe(0);
  });
});

describe("a watch", () => {
  test("may be silent for longer than an answer", async () => {
    const api = await serve((_asked, answer) => {
      answer.writeHead(200).write("first ");
      setTimeout(() => answer.end("second"), 1000);
    });
    const patience = { answerMs: 500, watchMs: 10_000 };
    const { body } = await sendTo(api, request({ isStream: true }), patience);
    expect(await textOf(body)).toBe("first second");
  });

  test("that is silent for too long ends, without an error", async () => {
    const api = await serve((_asked, answer) => {
      answer.writeHead(200).write("first");
    });
    const patience = { answerMs: 10_000, watchMs: 30 };
    const { body } = await sendTo(api, request({ isStream: true }), patience);
    expect(await textOf(body)).toBe("first");
    await expect.poll(api.connections).toBe(0);
  });
});

describe("an abort", () => {
  const reason = new Error("enough");

  test("before, while waiting, and in the middle of an answer rejects with its reason and frees all", async () => {
    let asked = 0;
    const api = await serve((_asked, answer) => {
      asked++;
      if (asked > 1) answer.writeHead(200).write("some");
    });
    await expect(sendTo(api, request({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);

    const waiting = new AbortController();
    const sent = sendTo(api, request({ signal: waiting.signal }));
    await expect.poll(() => asked).toBe(1);
    waiting.abort(reason);
    await expect(sent).rejects.toBe(reason);

    const reading = new AbortController();
    const { body } = await sendTo(api, request({ signal: reading.signal, isStream: true }));
    const pieces = body[Symbol.asyncIterator]();
    await pieces.next();
    reading.abort(reason);
    await expect(pieces.next()).rejects.toBe(reason);
    await expect.poll(api.connections).toBe(0);
    for (const { signal } of [waiting, reading]) {
      expect(getEventListeners(signal, "abort")).toEqual([]);
    }
  });

  test("that never comes leaves no listener behind, and leaving the loop no connection", async () => {
    const api = await serve((_asked, answer) => {
      answer.writeHead(200).write("some");
    });
    const { signal } = new AbortController();
    for (let watch = 0; watch < 3; watch++) {
      const { body } = await sendTo(api, request({ signal, isStream: true }));
      for await (const _piece of body) break;
    }
    await expect.poll(api.connections).toBe(0);
    await expect.poll(() => getEventListeners(signal, "abort").length).toBe(0);
  });
});
