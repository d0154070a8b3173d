/**
 * What only TLS has: handshakes that do not end, hundreds of them at once, new keys without rest,
 * and bytes that are no TLS.
 * @module
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { frame, GREETING, TYPE } from "../../harness/net/http2-frames.ts";
import type { Attack, Attacker } from "../harness/attacker.ts";
import { ask, GRPC } from "../harness/encodings.ts";
import { http1Request } from "../harness/http1-peer.ts";
import { RekeyingConnection } from "../harness/key-updates.ts";
import { ATTACKER } from "../harness/loopback-address.ts";
import { serviceSocket, type TlsClientOptions, tcpSocket } from "../harness/service-socket.ts";

/** Duration of each attack. */
const SECONDS = 1;
/** Longest wait for what a connection does next. */
const STEP_LIMIT_MS = 1000;

const SILENT_CONNECTIONS = 1000;
const FINISHED_CONNECTIONS = 200;
const REPLAYED_AT_ONCE = 400;
const HALF_CLOSED_CONNECTIONS = 200;
/** A connection is open for a moment only. */
const SHORT_CONNECTIONS_AT_ONCE = 50;
const BUSY_CONNECTIONS = 4;
const KEY_UPDATES_PER_WRITE = 50;

/** RFC 8446 section 5.1: type `handshake`, version, and a length of 512. */
const RECORD_HEAD = Buffer.from([22, 3, 1, 2, 0]);
/** Where a ClientHello is cut; nothing is computed before the rest is there. */
const CUT_AT = 100;

type Open = () => Socket;

/** An attack whose TCP connections are closed when it ends. */
function overTcp(name: string, run: (open: Open, attacker: Attacker) => Promise<unknown>): Attack {
  return {
    name,
    run: async (attacker) => {
      const sockets: Socket[] = [];
      const open = () => {
        const socket = tcpSocket(attacker.target, ATTACKER).on("error", () => {});
        sockets.push(socket.resume());
        return socket;
      };
      try {
        await run(open, attacker);
      } finally {
        for (const socket of sockets) socket.destroy();
      }
    },
  };
}

/** Does the same over and over, so many times at once. */
async function withoutRest(atOnce: number, one: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + SECONDS * 1000;
  const worker = async (): Promise<void> => {
    while (performance.now() < end) await one();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Waits for an event, the end of the socket, or for a second. */
async function seen(socket: Socket, event: string): Promise<void> {
  const end = new AbortController();
  const options = { signal: end.signal };
  const wait = (name: string) => once(socket, name, options).catch(() => {});
  const limit = sleep(STEP_LIMIT_MS, undefined, options).catch(() => {});
  await Promise.race([wait(event), wait("close"), limit]);
  end.abort();
}

const ONE_BYTE: Attack = overTcp(
  `${SILENT_CONNECTIONS} handshakes that end after one byte`,
  async (open) => {
    for (let i = 0; i < SILENT_CONNECTIONS; i++) open().write(RECORD_HEAD.subarray(0, 1));
    await sleep(SECONDS * 1000);
  },
);

/** Short connections that send what is no handshake. */
function noHandshake(name: string, bytes: () => Uint8Array): Attack {
  return overTcp(name, (open) =>
    withoutRest(SHORT_CONNECTIONS_AT_ONCE, async () => {
      const socket = open();
      socket.write(bytes());
      await seen(socket, "close");
      socket.destroy();
    }),
  );
}

const HELLO_IN_PIECES: Attack = overTcp("a ClientHello byte by byte, 500 times", async (open) => {
  const sockets = Array.from({ length: 500 }, open);
  const hello = await recordedHello();
  const end = performance.now() + SECONDS * 1000;
  for (let at = 0; at < hello.length && performance.now() < end; at++) {
    for (const socket of sockets) socket.write(hello.subarray(at, at + 1));
    await sleep(10);
  }
});

/** The service computes an answer to each, the attacker nothing. */
function replayedHello(group: string, pieces: "whole" | "cut"): Attack {
  const name = `a recorded ClientHello with ${group}, ${pieces}, ${REPLAYED_AT_ONCE} at once`;
  return overTcp(name, async (open) => {
    const hello = await recordedHello({ ecdhCurve: group });
    await withoutRest(1, async () => {
      const sockets = Array.from({ length: REPLAYED_AT_ONCE }, open);
      await Promise.all(sockets.map((socket) => seen(socket, "connect")));
      const cut = pieces === "cut" ? CUT_AT : 0;
      for (const socket of sockets) socket.write(hello.subarray(0, cut));
      if (cut > 0) await sleep(100);
      for (const socket of sockets) socket.write(hello.subarray(cut));
      await Promise.all(sockets.map((socket) => seen(socket, "data")));
      for (const socket of sockets) socket.destroy();
    });
  });
}

/** The first bytes that Node's client sends. */
async function recordedHello(options: TlsClientOptions = {}): Promise<Buffer> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const accepted = once(server, "connection");
  const { port } = server.address() as AddressInfo;
  const client = serviceSocket({ port, tls: true }, ATTACKER, options).on("error", () => {});
  const [socket] = (await accepted) as [Socket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

/** A whole handshake. */
async function handshake({ target }: Attacker, options: TlsClientOptions = {}): Promise<TLSSocket> {
  const socket = serviceSocket(target, ATTACKER, options) as TLSSocket;
  socket.on("error", () => {});
  await seen(socket, "secureConnect");
  return socket.resume();
}

function handshakes(name: string, atOnce: number): Attack {
  return {
    name: `whole handshakes, ${name}`,
    run: (attacker) => withoutRest(atOnce, async () => void (await handshake(attacker)).destroy()),
  };
}

const FINISHED: Attack = {
  name: `${FINISHED_CONNECTIONS} whole handshakes, and then nothing`,
  run: async (attacker) => {
    const sockets: Socket[] = [];
    for (let i = 0; i < FINISHED_CONNECTIONS; i++) sockets.push(await handshake(attacker));
    await sleep(SECONDS * 1000);
    for (const socket of sockets) socket.destroy();
  },
};

const RENEGOTIATION: Attack = {
  name: "renegotiation without rest (TLS 1.2)",
  run: (attacker) =>
    withoutRest(BUSY_CONNECTIONS, async () => {
      const socket = await handshake(attacker, { maxVersion: "TLSv1.2" });
      let isRefused = false;
      socket.renegotiate({}, (error) => {
        if (error === null) throw new Error("the service has renegotiated");
        isRefused = true;
      });
      if (!isRefused) await seen(socket, "close");
      socket.destroy();
    }),
};

const KEY_UPDATES: Attack = {
  name: "key updates without rest (TLS 1.3)",
  run: async ({ target }) => {
    const ping = frame(TYPE.ping, 0, 0, Buffer.alloc(8));
    await withoutRest(BUSY_CONNECTIONS, async () => {
      const connection = await RekeyingConnection.open(target.port, ATTACKER);
      const { socket } = connection;
      const end = performance.now() + SECONDS * 1000;
      socket.write(connection.next(GREETING));
      while (!socket.destroyed && performance.now() < end) {
        const updates = Array.from({ length: KEY_UPDATES_PER_WRITE }, () => connection.next(ping));
        if (!socket.write(Buffer.concat(updates))) await seen(socket, "drain");
        await sleep(0);
      }
      socket.destroy();
    });
  },
};

const HALF_CLOSED: Attack = {
  name: `${HALF_CLOSED_CONNECTIONS} connections that ask and close their half`,
  run: async (attacker) => {
    for (let i = 0; i < HALF_CLOSED_CONNECTIONS; i++) {
      const peer = await attacker.http2({ streamWindow: 0 });
      if (i % 10 === 0) ask(peer, "List", GRPC, attacker.fullCluster);
      peer.end();
    }
    await sleep(SECONDS * 1000);
  },
};

export const TLS_ATTACKS: readonly Attack[] = [
  ONE_BYTE,
  HELLO_IN_PIECES,
  replayedHello("P-384", "cut"),
  replayedHello("P-521", "whole"),
  handshakes("one after the other", 1),
  handshakes("500 at once", 500),
  FINISHED,
  RENEGOTIATION,
  KEY_UPDATES,
  noHandshake("plain HTTP", () => http1Request("GET", "/healthz")),
  noHandshake("random records", () => Buffer.concat([RECORD_HEAD, randomBytes(2000)])),
  HALF_CLOSED,
];
