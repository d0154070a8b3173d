/**
 * A service that speaks TLS: attacks that only TLS has, and readers that stop or are slow.
 * @module
 */
import { expect, test } from "vitest";
import { TLS_ATTACKS } from "./attacks/tls.ts";
import { openFullStage } from "./harness/abuse-stage.ts";
import { Attacker } from "./harness/attacker.ts";
import { ask, GRPC } from "./harness/encodings.ts";
import { http1Request } from "./harness/http1-peer.ts";
import { clusterPath, clusterRequest } from "./harness/messages.ts";
import { waitUntil } from "./harness/raw-peer.ts";
import { expectToHold } from "./harness/row.ts";

/** Connections that say nothing are closed before memory is looked at again. */
const SHORT_HANDSHAKES = ["--first-byte-timeout=3s"];
const SHORT_WRITES = ["--write-timeout=3s", "--rate-limit=1000", "--rate-burst=1000"];
/** More than twice the timeout. */
const SLOW_SECONDS = 7;
/** The kernel announces new room in steps, not by the byte. */
const SLOW_SOCKET_BYTES = 1_000_000;
const UNREAD_LISTS = 6;

test("one address attacks the handshakes", async () => {
  const options = { tls: true, flags: SHORT_HANDSHAKES };
  const { service, good, fullCluster } = await openFullStage(options);
  await expectToHold(service, good, TLS_ATTACKS, fullCluster);
});

test("a reader that stops is closed over TLS too, and a slow one stays", async () => {
  const { service, fullCluster } = await openFullStage({ tls: true, flags: SHORT_WRITES });
  const attacker = new Attacker(service, fullCluster);
  const lists = http1Request(
    "POST",
    clusterPath("List"),
    { "content-type": "application/proto" },
    clusterRequest(fullCluster),
  );
  const stopped = await attacker.http1({ reads: false });
  const slow = await attacker.http1({ reads: false });
  const deaf = await attacker.http2({ reads: false });
  for (let i = 0; i < UNREAD_LISTS; i++) {
    stopped.send(lists);
    slow.send(lists);
    ask(deaf, "List", GRPC, fullCluster);
  }
  const byWindow = await attacker.http2({ streamWindow: 0 });
  ask(byWindow, "List", GRPC, fullCluster);
  await attacker.pace(1, SLOW_SECONDS, () => {
    slow.takeSome(SLOW_SOCKET_BYTES);
    byWindow.giveWindow(1, 1);
  });
  await waitUntil("the end of the others", () => {
    const held = service.heldPeers();
    return !held.has(stopped.localPort) && !held.has(deaf.localPort);
  });
  expect(service.heldPeers().has(slow.localPort), "a slow reader of HTTP/1.1").toBe(true);
  expect(byWindow.openCount, "a slow reader of HTTP/2").toBe(1);
  attacker.close();
});
