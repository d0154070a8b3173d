import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DiscoveryServer } from "../../../../src/node/serve.ts";
import type { RefusalReason } from "../../../../src/server/index.ts";
import { startService } from "../../../harness/service/test-service.ts";

const HELLO = "/sidero.discovery.server.Cluster/Hello";
const REASON = "The request target is not valid.\n";

/** Each is folded into `/inspect` or the procedure by some URL parser. */
const FOLDED = [
  "//x/inspect?clusterID=c",
  "/a/../inspect?clusterID=c",
  "/a/%2e%2e/inspect?clusterID=c",
  "/./inspect?clusterID=c",
  "/%2E/inspect?clusterID=c",
  "/a\\..\\inspect?clusterID=c",
  "/..;/inspect?clusterID=c",
  "/a%2f..%2finspect?clusterID=c",
  "/inspect?clusterID=c#x",
  `//x${HELLO}`,
  `/x/..${HELLO}`,
  `/.${HELLO}`,
  `${HELLO}#`,
  `/${HELLO}`,
];

let server: DiscoveryServer;
const refusals: RefusalReason[] = [];

beforeAll(async () => {
  server = await startService({
    landing: { port: 0 },
    metrics: { port: 0, pages: () => undefined },
    hooks: { onRefused: (reason) => refusals.push(reason) },
  });
});

afterAll(() => server.close());

/** Sends a target as it is; gives the status and the body. */
async function http1(url: string, method: string, target: string): Promise<[number, string]> {
  const sent = request({ host: "127.0.0.1", port: new URL(url).port, method, path: target }).end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return [answer.statusCode ?? 0, await text(answer)];
}

async function http2(
  path: string,
  headers: Record<string, string> = {},
): Promise<[number, string]> {
  const session = connect(server.url);
  const stream = session.request({ ":path": path, ...headers });
  stream.end();
  const [answer] = (await once(stream, "response")) as [
    IncomingHttpHeaders & IncomingHttpStatusHeader,
  ];
  const body = await text(stream);
  session.close();
  return [answer[":status"] ?? 0, body];
}

describe("a target that is not in normal form is refused with one line", () => {
  test.each(FOLDED)("%s", async (target) => {
    refusals.length = 0;
    expect(await http2(target)).toEqual([400, REASON]);
    for (const contentType of ["application/grpc", "application/json", "text/plain"]) {
      const headers = { ":method": "POST", "content-type": contentType, te: "trailers" };
      expect(await http2(target, headers)).toEqual([400, REASON]);
    }
    expect(refusals).toEqual(Array(4).fill("bad_target"));
    for (const url of [server.url, server.landing?.url, server.metrics?.url] as string[]) {
      expect(await http1(url, "GET", target)).toEqual([400, REASON]);
      expect(await http1(url, "POST", `http://a${target}`)).toEqual([400, REASON]);
    }
  });
});

test("normal targets are answered, also in the absolute form of HTTP/1.1", async () => {
  for (const url of [server.url, server.landing?.url, server.metrics?.url] as string[]) {
    expect(await http1(url, "GET", "/inspect?clusterID=a/../b//%2e")).toEqual([200, ""]);
    expect(await http1(url, "GET", "http://other.example:1/inspect?clusterID=c")).toEqual([
      200,
      "",
    ]);
    expect((await http1(url, "GET", "http://other.example"))[0]).toBe(200);
    expect((await http1(url, "GET", "ftp://other.example/inspect?clusterID=c"))[0]).toBe(400);
    expect((await http1(url, "GET", "http:///inspect?clusterID=c"))[0]).toBe(400);
    expect((await http1(url, "GET", "*"))[0]).toBe(400);
    expect((await http1(url, "OPTIONS", "*"))[0]).not.toBe(400);
  }
  expect(await http2("/inspect?clusterID=a/../b//%2e")).toEqual([200, ""]);
});
