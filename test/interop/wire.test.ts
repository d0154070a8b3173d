/**
 * What goes by below the messages: addresses, headers, compression, pings.
 * @module
 */
import { describe, expect, test } from "vitest";
import { randomAffiliate, randomEndpoints } from "../harness/cluster/random-affiliate.ts";
import { createCluster, NODE_KINDS } from "../harness/processes/nodes.ts";
import { SERVICE_KINDS } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";
import { startWireTap, type TappedFrame } from "./harness/wire-tap.ts";

/** gRPC in Go gives up on a caller at the third ping that comes too soon. */
const PINGS = 4;
/** Between two pings of a node whose TTL is short: 10 s. */
const PINGS_LIMIT_MS = 60_000;

describe("a caller's address", () => {
  const headers: readonly Readonly<Record<string, string>>[] = [
    {},
    { "x-real-ip": "192.0.2.7" },
    { "x-real-ip": "2001:db8::1" },
    { "x-real-ip": "192.0.2.7:80" },
    { "x-real-ip": "[2001:db8::1]:80" },
    { "x-real-ip": "nonsense" },
    { "x-real-ip": "" },
    { "x-forwarded-for": "192.0.2.8" },
    { "x-forwarded-for": "192.0.2.8,10.0.0.1" },
    { "x-forwarded-for": "192.0.2.8, 10.0.0.1" },
    { "x-forwarded-for": "nonsense, 192.0.2.8" },
    { "x-forwarded-for": "192.0.2.8:80, 10.0.0.1" },
    { "x-real-ip": "192.0.2.7", "x-forwarded-for": "192.0.2.8" },
    { "x-real-ip": "nonsense", "x-forwarded-for": "192.0.2.8" },
  ];

  test.each([true, false])(
    "is the same for both services, proxies trusted: %s",
    async (trustRealIp) => {
      await using stage = new Stage();
      const reference = stage.probe(await stage.service("go", { trustRealIp }));
      const ours = stage.probe(await stage.service("ts", { trustRealIp }));
      for (const metadata of headers) {
        const hello = { do: "hello", clusterId: "c", metadata } as const;
        const [theirs, own] = [await reference.call(hello), await ours.call(hello)];
        expect({ metadata, clientIp: own.clientIp }).toEqual({
          metadata,
          clientIp: theirs.clientIp,
        });
        if (!trustRealIp) expect(own.clientIp).toBe("127.0.0.1");
      }
    },
  );

  test("is unmapped by ours where a proxy names it so, but not by the reference", async () => {
    await using stage = new Stage();
    for (const [kind, clientIp] of [
      ["go", "::ffff:192.0.2.7"],
      ["ts", "192.0.2.7"],
    ] as const) {
      const probe = stage.probe(await stage.service(kind));
      const metadata = { "x-real-ip": "::ffff:192.0.2.7" };
      expect(await probe.call({ do: "hello", clusterId: "c", metadata })).toMatchObject({
        clientIp,
      });
    }
  });

  test.each(SERVICE_KINDS)("is unmapped by a %s service on a dual-stack socket", async (kind) => {
    await using stage = new Stage();
    const service = await stage.service(kind, { host: "" });
    for (const address of ["127.0.0.1", "::1"]) {
      const host = address.includes(":") ? `[${address}]` : address;
      const probe = stage.probe(service, { endpoint: `${host}:${service.port}` });
      expect(await probe.call({ do: "hello", clusterId: "c" })).toMatchObject({
        clientIp: address,
      });
    }
  });
});

describe.each(SERVICE_KINDS)("the %s service", (serviceKind) => {
  test("answers with gRPC's content type, and ignores metadata that it does not know", async () => {
    await using stage = new Stage();
    const probe = stage.probe(await stage.service(serviceKind));
    const metadata = { "x-unknown": "1", "x-unknown-bin": "\u0000\u0001ÿ", authorization: "none" };
    const answer = await probe.call({ do: "hello", clusterId: "c", metadata });
    expect(answer).toMatchObject({ code: "OK", clientIp: "127.0.0.1" });
    expect(answer.header?.["content-type"]?.[0]).toMatch(/^application\/grpc(\+proto)?$/);
  });

  test("keeps nodes of both kinds that ping every 10 s, and answers each ping", async () => {
    await using stage = new Stage();
    const service = await stage.service(serviceKind);
    const cluster = createCluster();
    const taps = await Promise.all(
      NODE_KINDS.map(async () => stage.use(await startWireTap(service.port))),
    );
    // A tenth of the TTL, but at least 10 s; the TTL is long enough for silence between refreshes.
    for (const [i, kind] of NODE_KINDS.entries()) {
      const endpoint = taps[i]?.endpoint ?? "";
      const node = stage.node(kind, service, cluster, { ttlMs: 100_000, endpoint });
      node.publish(randomAffiliate());
    }
    const answered = taps.map((tap) =>
      tap.until(
        `${PINGS} answered pings`,
        () => (keepalives(tap.frames, "service", "PING ACK") >= PINGS ? true : undefined),
        PINGS_LIMIT_MS,
      ),
    );
    await Promise.all(answered);
    for (const tap of taps) {
      expect(keepalives(tap.frames, "client", "PING")).toBeGreaterThanOrEqual(PINGS);
      expect(tap.frames.filter(({ name }) => name === "GOAWAY")).toEqual([]);
      expect(tap.connections).toBe(1);
    }
  });
});

test("a Go node that compresses its requests is understood by ours", async () => {
  await using stage = new Stage();
  const service = await stage.service("ts");
  const cluster = createCluster();
  const nodes = [
    stage.node("go", service, cluster, { gzip: true }),
    stage.node("go", service, cluster),
    stage.node("ts", service, cluster),
  ];
  const published = nodes.map((node) => node.publish(randomAffiliate(), randomEndpoints()));
  for (const node of nodes) {
    await node.sees(...published.filter(({ nodeId }) => nodeId !== node.nodeId));
  }
});

/** Go's probes for bandwidth are pings too, with a payload of their own. */
const BANDWIDTH_PROBE = Buffer.from([2, 4, 16, 16, 9, 14, 7, 7]);

function keepalives(frames: readonly TappedFrame[], from: string, name: string): number {
  return frames.filter(
    (f) => f.from === from && f.name === name && !f.payload.equals(BANDWIDTH_PROBE),
  ).length;
}
