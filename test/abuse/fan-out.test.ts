/**
 * One change that a thousand watches receive delays no other client, whatever protocol they use.
 * @module
 */
import { expect, test } from "vitest";
import { EXPIRING, FAN_OUTS } from "./attacks/fan-out.ts";
import { openStage } from "./harness/abuse-stage.ts";
import { Attacker } from "./harness/attacker.ts";
import { ask, GRPC_GZIP, STREAM_ENCODINGS } from "./harness/encodings.ts";
import { expectToHold } from "./harness/row.ts";

/** At the default rate, one address needs a minute for a thousand watches. */
const MANY_CALLS = ["--rate-limit=2000", "--rate-burst=2000"];

/** As many as an address may have open. */
const MORE_CALLS = ["--rate-limit=10000", "--rate-burst=10000"];

test("one address watches a thousand times, and changes what it watches", async () => {
  const { service, good } = await openStage({ flags: MANY_CALLS });
  await expectToHold(service, good, FAN_OUTS);
});

test("a full cluster expires at once, and 5,000 watches are told", async () => {
  const { service, good } = await openStage({ flags: MORE_CALLS });
  await expectToHold(service, good, [EXPIRING]);
});

test("a connection has 1,000 streams of every protocol, but 100 of compressed calls", async () => {
  const { service } = await openStage({ flags: MANY_CALLS });
  const attacker = new Attacker(service, "");
  for (const encoding of STREAM_ENCODINGS) {
    const peer = await attacker.http2();
    const most = encoding === GRPC_GZIP ? 100 : 1000;
    // Then some more, whose refusal is awaited as well.
    for (let i = 0; i < most + 50; i++) ask(peer, "Watch", encoding, "watched");
    await peer.until(`${most} watches, ${encoding.name}`, () => peer.answeredCount >= most);
    await peer.until(`the refusal, ${encoding.name}`, () => peer.openCount <= most);
    expect(peer.openCount, encoding.name).toBe(most);
    peer.close();
  }
});
