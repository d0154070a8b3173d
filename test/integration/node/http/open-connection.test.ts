/**
 * How one connection is closed, whatever state it is in.
 * @module
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { OpenConnection } from "../../../../src/node/http/open-connection.ts";
import { ignore } from "../../../../src/node/ignore.ts";
import { TLS_FIXTURES } from "../../../harness/paths.ts";

/** A connection, and both ends of it. */
interface Accepted {
  readonly connection: OpenConnection;
  readonly socket: Socket;
  readonly peer: Socket;
}

async function accepted(): Promise<Accepted> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1").on("error", ignore);
  onTestFinished(() => void peer.destroy());
  const [socket] = (await once(server, "connection")) as [Socket];
  socket.on("error", ignore);
  const unknown = { ip: undefined, client: undefined, onFlooded: ignore };
  return { connection: new OpenConnection(socket, unknown, 0), socket, peer };
}

/** The server's end of TLS on the connection, after bytes went both ways. */
async function secured({ connection, socket, peer }: Accepted): Promise<TLSSocket> {
  const server = createTlsServer({
    cert: readFileSync(`${TLS_FIXTURES}/server.pem`),
    key: readFileSync(`${TLS_FIXTURES}/server-key.pem`),
  });
  const client = connectTls({ socket: peer, rejectUnauthorized: false }).on("error", ignore);
  client.resume().write("hello");
  server.emit("connection", socket);
  const [secure] = (await once(server, "secureConnection")) as [TLSSocket];
  secure.on("error", ignore);
  connection.useTls(secure);
  await once(secure, "data");
  return secure;
}

/** Of this process, whoever holds them. */
function openTcpSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
}

test("it is closed with a reset", async () => {
  const { connection, socket, peer } = await accepted();
  const closed = once(socket, "close");
  connection.destroy();
  await expect(once(peer, "close")).rejects.toMatchObject({ code: "ECONNRESET" });
  await closed;
});

test("it is closed, and its descriptor too, while its end is on its way", async () => {
  const { connection, socket, peer } = await accepted();
  peer.resume();
  const closed = once(socket, "close");
  socket.end();
  connection.destroy();
  await closed;
  await expect.poll(openTcpSockets).toBe(0);
});

test("the same with TLS", async () => {
  const stage = await accepted();
  const secure = await secured(stage);
  const closed = once(stage.socket, "close");
  secure.end();
  stage.connection.destroy();
  await closed;
  await expect.poll(openTcpSockets).toBe(0);
});
