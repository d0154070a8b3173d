import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { HandshakeQueue } from "../../../../src/node/tls/handshake-queue.ts";

let ports = 0;
function socketOf(client: string): Socket {
  const socket = Object.assign(new EventEmitter(), { remoteAddress: client, remotePort: ++ports });
  return socket as unknown as Socket;
}

/** More than enough turns of the event loop. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 2000; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function open() {
  const queue = new HandshakeQueue();
  const begun: string[] = [];
  const add = (client: string, known: string | undefined = client): Socket => {
    const socket = socketOf(client);
    queue.add(socket, known, () => begun.push(client));
    return socket;
  };
  return { queue, begun, add };
}

test("nothing begins in the turn in which it comes", async () => {
  const { begun, add } = open();
  add("a");
  expect(begun).toEqual([]);
  await settled();
  expect(begun).toEqual(["a"]);
});

test("clients take turns", async () => {
  const { begun, add } = open();
  for (let i = 0; i < 10; i++) add("many");
  add("one");
  await settled();
  expect(begun.indexOf("one")).toBeLessThanOrEqual(1);
  expect(begun).toHaveLength(11);
});

test("one client has 64 handshakes under way, and the next begins when one ends or closes", async () => {
  const { queue, begun, add } = open();
  const sockets = Array.from({ length: 70 }, () => add("a"));
  add("b");
  await settled();
  expect(begun.filter((client) => client === "a")).toHaveLength(64);
  expect(begun).toContain("b");
  queue.ended(sockets[0] as Socket);
  sockets[1]?.emit("close");
  // An end is counted once.
  sockets[0]?.emit("close");
  await settled();
  expect(begun.filter((client) => client === "a")).toHaveLength(66);
});

test("a socket that closes while it waits does not begin", async () => {
  const { begun, add } = open();
  add("a").emit("close");
  await settled();
  expect(begun).toEqual([]);
});

test("trusted proxies have no limit", async () => {
  const { queue, begun } = open();
  for (let i = 0; i < 100; i++) queue.add(socketOf("p"), undefined, () => begun.push("p"));
  await settled();
  expect(begun).toHaveLength(100);
});
