import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { resolveConnectionLimits } from "../../../../src/node/http/connection-limits.ts";
import { Connections } from "../../../../src/node/http/connections.ts";
import type { RefusalReason } from "../../../../src/server/rpc/refusal-reason.ts";

/** What the table asks of a socket. */
class PeerSocket extends EventEmitter {
  readonly remoteAddress: string;
  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }
  destroy(): void {
    this.emit("close");
  }
}

test("the networks of one IPv6 /48 have half of the connections together", () => {
  const refusals: RefusalReason[] = [];
  const connections = new Connections({
    limits: resolveConnectionLimits({}, 1000),
    trustedProxies: [],
    onRefused: (reason) => refusals.push(reason),
  });
  const port = connections.openPort(100);
  const accept = (address: string) => port.accept(new PeerSocket(address) as unknown as Socket);
  for (let network = 0; network < 60; network++) accept(`2001:db8:1:${network}::1`);
  expect(connections.size).toBe(50);
  expect(refusals).toEqual(new Array(10).fill("connection_share"));

  expect(accept("2001:db8:2::1")).toBeDefined();
  expect(accept("192.0.2.1")).toBeDefined();
  connections.close();
  expect(connections.size).toBe(0);
  expect(accept("2001:db8:1:60::1")).toBeDefined();
  connections.close();
});
