/**
 * What no proper client sends: every case gets an answer, and leaves the service running.
 * @module
 */
import { once } from "node:events";
import { connect } from "node:http2";
import { connect as connectTls } from "node:tls";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { DiscoveryServer } from "../../../src/node/serve.ts";
import { HelloRequestSchema, WatchRequestSchema } from "../../../src/protocol/index.ts";
import {
  CA,
  expectServing,
  frame,
  rawCall,
  rawSocket,
  startService,
  TLS,
} from "../../harness/service/test-service.ts";

const HELLO = toBinary(HelloRequestSchema, create(HelloRequestSchema, { clusterId: "c" }));
const WATCH = { ":path": "/sidero.discovery.server.Cluster/Watch" };
const WATCH_REQUEST = toBinary(WatchRequestSchema, create(WatchRequestSchema, { clusterId: "c" }));

/** Short enough to wait for, long enough for the well-behaved callers of a busy machine, who share the process. */
const TIMEOUTS = { connectTimeoutMs: 1500, bodyTimeoutMs: 1500 };

let server: DiscoveryServer;
beforeAll(async () => {
  server = await startService(TIMEOUTS);
});
afterEach(() => expectServing(server));
afterAll(() => server.close());

describe("gRPC messages", () => {
  test.each([
    ["bytes that are no protobuf", frame(new Uint8Array([0xff, 0xff])), "13"],
    ["a length that points past the end of the message", frame(new Uint8Array([0x0a, 9, 1])), "13"],
    ["a string that is not UTF-8", frame(new Uint8Array([0x0a, 1, 0xff])), "13"],
    ["a message over 16 KiB", frame(new Uint8Array(16_385)), "8"],
    ["a length of 4 GiB", frame(HELLO, { length: 0xffff_ffff }), "8"],
    ["a frame that is cut short", frame(HELLO, { length: 100 }), "3"],
    ["a head that is cut short", new Uint8Array([0, 0, 0]), "3"],
    ["no message at all", new Uint8Array(0), "12"],
    ["two messages where one is due", Buffer.concat([frame(HELLO), frame(HELLO)]), "12"],
    ["a compressed message without a named compression", frame(HELLO, { flags: 1 }), "13"],
  ])("%s is refused", async (_name, body, status) => {
    const { headers, trailers } = await rawCall(server.url, {}, body);
    expect(headers[":status"]).toBe(200);
    expect(trailers["grpc-status"]).toBe(status);
  });

  test("unknown fields are passed over", async () => {
    const body = frame(Buffer.concat([HELLO, Buffer.from([0x7a, 1, 0x2a])]));
    expect((await rawCall(server.url, {}, body)).trailers["grpc-status"]).toBe("0");
  });

  test("a gzipped message is read", async () => {
    const body = frame(gzipSync(HELLO), { flags: 1 });
    const { trailers } = await rawCall(server.url, { "grpc-encoding": "gzip" }, body);
    expect(trailers["grpc-status"]).toBe("0");
  });

  test("a gzipped message that grows over 16 KiB is refused", async () => {
    const body = frame(gzipSync(new Uint8Array(10_000_000)), { flags: 1 });
    expect(body.length).toBeLessThan(16_384);
    const { trailers } = await rawCall(server.url, { "grpc-encoding": "gzip" }, body);
    expect(trailers["grpc-status"]).toBe("8");
  });

  test("bytes that are not gzip are refused", async () => {
    const body = frame(HELLO, { flags: 1 });
    const { trailers } = await rawCall(server.url, { "grpc-encoding": "gzip" }, body);
    expect(trailers["grpc-status"]).not.toBe("0");
  });

  test("an unknown compression is unimplemented, with those that would do", async () => {
    const body = frame(HELLO, { flags: 1 });
    const answer = await rawCall(server.url, { "grpc-encoding": "snappy" }, body);
    expect(answer.trailers["grpc-status"]).toBe("12");
    expect(answer.headers["grpc-accept-encoding"]).toBe("identity,gzip");
  });

  test("a deadline that does not parse is refused", async () => {
    const { trailers } = await rawCall(server.url, { "grpc-timeout": "soon" }, frame(HELLO));
    expect(trailers["grpc-status"]).toBe("3");
  });
});

describe("HTTP/2 requests", () => {
  test("another content type is 415", async () => {
    const { headers } = await rawCall(server.url, { "content-type": "text/html" }, frame(HELLO));
    expect(headers[":status"]).toBe(415);
  });

  test("another method is 405", async () => {
    const { headers } = await rawCall(server.url, { ":method": "PUT" }, frame(HELLO));
    expect(headers[":status"]).toBe(405);
    expect(headers.allow).toBe("POST");
  });

  test("an authority that makes no URL does not matter", async () => {
    const { trailers } = await rawCall(server.url, { ":authority": "%%%" }, frame(HELLO));
    expect(trailers["grpc-status"]).toBe("0");
  });

  test("a target that makes no URL is 400", async () => {
    const { headers } = await rawCall(server.url, { ":path": "//%%%/" }, frame(HELLO));
    expect(headers[":status"]).toBe(400);
  });

  test("a request that is reset in the middle frees everything", async () => {
    await rawCall(server.url, {}, frame(HELLO, { length: 100 }), { cut: true });
  });

  test("a request that stops in the middle is given up", async () => {
    const session = connect(server.url);
    const stream = session.request({
      ":method": "POST",
      ":path": "/sidero.discovery.server.Cluster/Hello",
      "content-type": "application/grpc",
    });
    stream.write(frame(HELLO).subarray(0, 6));
    const [headers] = await once(stream.resume(), "response");
    expect(headers["grpc-status"]).toBe("4");
    await once(stream, "close");
    session.destroy();
  });

  test("an answer to a request that is too large does not wait for its end", async () => {
    const session = connect(server.url);
    const stream = session.request({
      ":method": "POST",
      ":path": "/sidero.discovery.server.Cluster/Hello",
      "content-type": "application/grpc",
    });
    stream.write(frame(new Uint8Array(65_537), { length: 10_000_000 }));
    const [headers] = await once(stream.resume(), "response");
    expect(headers["grpc-status"]).toBe("8");
    await once(stream, "close");
    session.destroy();
  });

  test("a connection that breaks during a watch frees its watcher", async () => {
    const session = connect(server.url);
    const stream = session.request({
      ...WATCH,
      ":method": "POST",
      "content-type": "application/grpc",
    });
    stream.on("error", () => {});
    stream.end(frame(WATCH_REQUEST));
    await once(stream, "data");
    expect((await server.registry.totals()).watchers).toBe(1);
    session.on("error", () => {});
    session.socket.resetAndDestroy?.();
    session.destroy();
    await expect.poll(async () => (await server.registry.totals()).watchers).toBe(0);
  });

  test("a thousand watches that are opened and reset leave none", async () => {
    const session = connect(server.url);
    session.on("error", () => {});
    for (let i = 0; i < 1000; i++) {
      const stream = session.request({
        ...WATCH,
        ":method": "POST",
        "content-type": "application/grpc",
      });
      stream.on("error", () => {});
      stream.end(frame(WATCH_REQUEST));
      stream.close();
    }
    session.close();
    await once(session, "close");
    await expect.poll(async () => (await server.registry.totals()).watchers).toBe(0);
  });
});

describe("connections", () => {
  test("one that says nothing is closed", async () => {
    const { said } = await rawSocket(server);
    expect(await said).toBe("");
  });

  test("one that ends at once is closed", async () => {
    const { socket, said } = await rawSocket(server);
    socket.end();
    expect(await said).toBe("");
  });

  test("one that is reset at once does no harm", async () => {
    const { socket, said } = await rawSocket(server);
    socket.resetAndDestroy();
    await said;
  });

  test("one that stops within HTTP/2's preface is closed", async () => {
    const { socket, said } = await rawSocket(server);
    socket.write("PR");
    expect(await said).toBe("");
  });

  test("the preface may come byte by byte", async () => {
    const { socket, said } = await rawSocket(server);
    for (const byte of "PRI") await new Promise<void>((done) => socket.write(byte, () => done()));
    socket.end(" * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage that is no frame at all");
    // A frame of type 4, SETTINGS, is how an HTTP/2 server begins.
    expect((await said).charCodeAt(3)).toBe(4);
  });

  test("an HTTP/1.1 head that stops in the middle gets 408", async () => {
    const { socket, said } = await rawSocket(server);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
    expect(await said).toMatch(/^HTTP\/1.1 408 /);
  });

  test("what is no HTTP is closed without a word", async () => {
    const { socket, said } = await rawSocket(server);
    socket.write("\0\x01\x02garbage\r\n\r\n");
    expect(await said).toBe("");
  });

  test("a head over 16 KiB gets 431", async () => {
    const { socket, said } = await rawSocket(server);
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
    expect(await said).toMatch(/^HTTP\/1.1 431 /);
  });

  test("HTTP/1.1 without a Host gets 400", async () => {
    const { socket, said } = await rawSocket(server);
    socket.write("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    expect(await said).toMatch(/^HTTP\/1.1 400 /);
  });

  test("HTTP/1.0 needs no Host", async () => {
    const { socket, said } = await rawSocket(server);
    socket.write("GET / HTTP/1.0\r\n\r\n");
    expect(await said).toMatch(/^HTTP\/1.1 200 /);
  });

  test("HTTP/1.1 whose sender has closed its half is answered", async () => {
    const { socket, said } = await rawSocket(server);
    socket.end("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(await said).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  });

  test("TLS on the plaintext port is told so", async () => {
    const socket = connectTls({ port: server.port, host: "127.0.0.1", ca: CA });
    const [error] = await once(socket, "error");
    expect(error.code).toBe("ERR_SSL_WRONG_VERSION_NUMBER");
    const raw = await rawSocket(server);
    raw.socket.write(Buffer.from("160301020001000001", "hex"));
    expect(await raw.said).toContain("This port speaks plaintext");
  });
});

describe("the TLS port", () => {
  let secure: DiscoveryServer;
  beforeAll(async () => {
    secure = await startService({ ...TIMEOUTS, tls: TLS });
  });
  afterEach(() => expectServing(secure));
  afterAll(() => secure.close());

  test.each([
    ["HTTP/1.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("plaintext %s is told so", async (_name, bytes) => {
    const { socket, said } = await rawSocket(secure);
    socket.write(bytes);
    expect(await said).toContain("This port speaks TLS");
  });

  test.each([
    ["a handshake that is none", "1603010004010203ff"],
    ["a handshake that stops in the middle", "160301020001"],
  ])("%s ends the connection", async (_name, hex) => {
    const { socket, said } = await rawSocket(secure);
    socket.write(Buffer.from(hex, "hex"));
    await said;
  });

  test("one that says nothing is closed", async () => {
    const { said } = await rawSocket(secure);
    expect(await said).toBe("");
  });

  test("a client that does not trust the certificate goes away", async () => {
    const socket = connectTls({ port: secure.port, host: "127.0.0.1" });
    const [error] = await once(socket, "error");
    expect(error.code).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });
});
