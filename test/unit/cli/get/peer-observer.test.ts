import { expect, test } from "vitest";
import { PeerObserver } from "../../../../src/cli/get/peer-observer.ts";
import type { WireguardPeerStatus, WireguardStatus } from "../../../../src/kubespan/index.ts";

const NOW = 1_800_000_000_500;

function statusWith(peer: Partial<WireguardPeerStatus>): WireguardStatus {
  const whole = {
    ...{ endpoint: undefined, allowedIps: [], lastHandshakeAtMs: undefined },
    ...{ receivedBytes: 0, sentBytes: 0, keepaliveSeconds: 25 },
    ...peer,
  };
  return { publicKey: "", listenPort: 51820, firewallMark: 0, peers: new Map([["key", whole]]) };
}

test.each([
  ["up with a handshake not long ago", { lastHandshakeAtMs: NOW - 275_000 }, "up"],
  ["down with an old one", { endpoint: "192.0.2.1:1", lastHandshakeAtMs: NOW - 275_001 }, "down"],
  ["down with an endpoint and no handshake", { endpoint: "192.0.2.1:1" }, "down"],
  ["unknown without either", {}, "unknown"],
])("at first sight a peer is %s", (_, peer, state) => {
  const observed = new PeerObserver(() => NOW).observe(statusWith(peer)).get("key");
  expect(observed).toMatchObject({ state, endpointChangedAtMs: undefined });
});

test("an endpoint that is seen to change gives the peer time to answer there", () => {
  let now = NOW;
  const observer = new PeerObserver(() => now);
  const stateAfter = (ms: number, peer: Partial<WireguardPeerStatus>) => {
    now = NOW + ms;
    return observer.observe(statusWith(peer)).get("key")?.state;
  };
  const old = { endpoint: "192.0.2.1:1", lastHandshakeAtMs: NOW - 60_500 };
  const moved = { ...old, endpoint: "192.0.2.2:1" };
  expect(stateAfter(0, old)).toBe("up");
  expect(stateAfter(1000, moved)).toBe("unknown");
  expect(stateAfter(14_000, moved)).toBe("unknown");
  expect(stateAfter(17_000, moved)).toBe("down");
  expect(stateAfter(18_000, { ...moved, lastHandshakeAtMs: NOW + 17_500 })).toBe("up");
});

test("a handshake in the very second of the change counts", () => {
  let now = NOW;
  const observer = new PeerObserver(() => now);
  observer.observe(statusWith({}));
  now = NOW + 300;
  const peer = { endpoint: "192.0.2.1:1", lastHandshakeAtMs: NOW - 500 };
  expect(observer.observe(statusWith(peer)).get("key")).toMatchObject({
    state: "up",
    endpointChangedAtMs: NOW - 500,
  });
});

test("a peer that was away is seen for the first time again", () => {
  let now = NOW;
  const observer = new PeerObserver(() => now);
  observer.observe(statusWith({ endpoint: "192.0.2.1:1" }));
  observer.observe({ ...statusWith({}), peers: new Map() });
  now = NOW + 1000;
  const back = observer.observe(statusWith({ endpoint: "192.0.2.2:1" })).get("key");
  expect(back?.endpointChangedAtMs).toBeUndefined();
});
