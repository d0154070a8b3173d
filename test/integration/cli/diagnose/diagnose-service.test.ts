/** All checks together: order, what is not reached, redirects, and that nothing is written. */

import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { CHECK_NAMES, type CheckReport } from "../../../../src/cli/diagnose/check.ts";
import type { ClusterMethod } from "../../../../src/server/index.ts";
import { unusedPort } from "../../../harness/net/unused-port.ts";
import { TLS } from "../../../harness/service/test-service.ts";
import {
  CLUSTER_ID,
  checkOf,
  diagnose,
  listen,
  publish,
  startTestService,
} from "./diagnose-harness.ts";

function statuses(checks: readonly CheckReport[] = []): Record<string, string> {
  return Object.fromEntries(checks.map(({ name, status }) => [name, status]));
}

const ALL_OK = Object.fromEntries(CHECK_NAMES.map((name) => [name, "ok"]));

describe("a service that works", () => {
  test.each([false, true])("is ok in all checks, in order, TLS %s", async (tls) => {
    const { url } = await startTestService(tls ? { tls: TLS } : {});
    if (!tls) await publish(url, { nodename: "worker-1", hostname: "worker-1" });
    const diagnosis = await diagnose(url);
    expect(diagnosis.hops).toHaveLength(1);
    const [hop] = diagnosis.hops;
    expect(hop?.checks.map(({ name }) => name)).toEqual(CHECK_NAMES);
    expect(statuses(hop?.checks)).toEqual(
      tls ? { ...ALL_OK, watch: "warning" } : { ...ALL_OK, tls: "skipped" },
    );
    expect(diagnosis.status).toBe(tls ? "warning" : "ok");
    for (const { durationMs, summary } of hop?.checks ?? []) {
      expect(durationMs).toBeGreaterThanOrEqual(0);
      expect(summary).not.toBe("");
    }
  });

  test("is not written to: only Hello, Watch, List and a page's head are asked", async () => {
    const called: ClusterMethod[] = [];
    const server = await startTestService({
      hooks: { onCallStart: (method) => called.push(method) },
    });
    await publish(server.url, { nodename: "worker-1" });
    const before = await server.registry.list(CLUSTER_ID);
    called.splice(0);
    await diagnose(server.url);
    expect(new Set(called)).toEqual(new Set(["Hello", "Watch", "List"]));
    expect(await server.registry.list(CLUSTER_ID)).toEqual(before);
    expect(await server.registry.totals()).toMatchObject({ clusters: 1, affiliates: 1 });
  });

  test("is checked without ID and secret too, but for what needs them", async () => {
    const { url } = await startTestService();
    const diagnosis = await diagnose(url, { clusterId: undefined, clusterSecret: undefined });
    expect(diagnosis.status).toBe("ok");
    expect(checkOf(diagnosis, "hello").summary).toBe("answered, asked with a made-up cluster ID");
    for (const name of ["watch", "secret", "members"] as const) {
      expect(checkOf(diagnosis, name)).toMatchObject({
        status: "skipped",
        summary: "needs the cluster's ID: --cluster-id or --config",
      });
    }
    expect(checkOf(diagnosis, "clock").status).toBe("ok");
  });

  test("is watched without a secret, and nothing is opened", async () => {
    const { url } = await startTestService();
    await publish(url, { nodename: "worker-1" });
    const diagnosis = await diagnose(url, { clusterSecret: undefined });
    expect(checkOf(diagnosis, "watch")).toMatchObject({
      status: "ok",
      details: { affiliates: 1 },
    });
    expect(checkOf(diagnosis, "secret")).toMatchObject({
      status: "skipped",
      summary: "needs the cluster's secret: --cluster-secret-file or --config",
    });
  });
});

describe("what is not reached", () => {
  test("names the check that failed", async () => {
    const diagnosis = await diagnose(`http://127.0.0.1:${await unusedPort()}`);
    expect(statuses(diagnosis.hops[0]?.checks)).toMatchObject({ tcp: "failed", clock: "skipped" });
    for (const { status, blockedBy, summary } of diagnosis.hops[0]?.checks.slice(4) ?? []) {
      expect({ status, blockedBy, summary }).toEqual({
        status: "skipped",
        blockedBy: "tcp",
        summary: "not reached: tcp failed",
      });
    }
  });

  test("is bounded in time where a server says nothing", async () => {
    const port = await listen(createServer((socket) => void socket.resume()));
    const diagnosis = await diagnose(`http://127.0.0.1:${port}`, { timeoutMs: 1000 });
    expect(checkOf(diagnosis, "http2")).toMatchObject({
      status: "failed",
      summary: "the server says nothing: no answer within 1 s",
      hint: expect.stringContaining("stuck"),
    });
    expect(checkOf(diagnosis, "hello").blockedBy).toBe("http2");
  });

  test("is left alone when the user interrupts", async () => {
    const port = await listen(createServer((socket) => void socket.resume()));
    const interrupted = new AbortController();
    const found: string[] = [];
    const running = diagnose(`http://127.0.0.1:${port}`, {
      signal: interrupted.signal,
      onCheck: ({ name }) => {
        found.push(name);
        if (name === "tls") interrupted.abort();
      },
    });
    await expect(running).rejects.toThrow("aborted");
    expect(found).toEqual(["configuration", "proxy", "dns", "tcp", "tls"]);
  });
});

describe("a redirect", () => {
  test("is followed, and the checks are repeated there", async () => {
    const last = await startTestService();
    const middle = await startTestService({ redirectEndpoint: `127.0.0.1:${last.port}` });
    const first = await startTestService({ redirectEndpoint: `127.0.0.1:${middle.port}` });
    const diagnosis = await diagnose(first.url);
    expect(diagnosis.status).toBe("warning");
    expect(diagnosis.hops.map(({ url }) => url)).toEqual([first.url, middle.url, last.url]);
    expect(checkOf(diagnosis, "redirect", 0)).toMatchObject({
      status: "ok",
      summary: `to ${middle.url}, checked next`,
      details: { target: middle.url },
    });
    expect(diagnosis.hops[0]?.checks.at(-1)?.name).toBe("redirect");
    expect(checkOf(diagnosis, "redirect").summary).toBe("none");
    expect(checkOf(diagnosis, "watch").details).toMatchObject({ affiliates: 0 });
  });

  test("to nowhere fails where it leads", async () => {
    const port = await unusedPort();
    const { url } = await startTestService({ redirectEndpoint: `127.0.0.1:${port}` });
    const diagnosis = await diagnose(url);
    expect(checkOf(diagnosis, "redirect", 0).status).toBe("ok");
    expect(checkOf(diagnosis, "tcp")).toMatchObject({ status: "failed" });
  });

  test("in a loop is found, with the way it takes", async () => {
    const port = await unusedPort();
    const second = await startTestService({ redirectEndpoint: `127.0.0.1:${port}` });
    const first = await startTestService({ port, redirectEndpoint: `127.0.0.1:${second.port}` });
    const diagnosis = await diagnose(first.url);
    expect(diagnosis.hops).toHaveLength(2);
    expect(checkOf(diagnosis, "redirect")).toMatchObject({
      status: "failed",
      summary: `a loop: ${first.url} → ${second.url} → ${first.url}`,
      hint: expect.stringContaining("--redirect-endpoint"),
    });
  });

  test("is followed five times, and no more", async () => {
    let next = await startTestService();
    for (let hop = 0; hop < 6; hop++) {
      next = await startTestService({ redirectEndpoint: `127.0.0.1:${next.port}` });
    }
    const diagnosis = await diagnose(next.url);
    expect(diagnosis.hops).toHaveLength(6);
    expect(checkOf(diagnosis, "redirect")).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("after 5 redirects already"),
    });
  });

  test("to a text that is far too long is shown cut", async () => {
    const { url } = await startTestService({ redirectEndpoint: `${"x".repeat(5000)}:3000` });
    const diagnosis = await diagnose(url);
    expect(checkOf(diagnosis, "redirect").summary).toMatch(
      /^to a text of 5005 characters: x{60}…$/,
    );
    expect(JSON.stringify(diagnosis).length).toBeLessThan(10_000);
  });

  test("to no place is an error that says so", async () => {
    const { url } = await startTestService({ redirectEndpoint: "http://elsewhere/" });
    expect(checkOf(await diagnose(url), "redirect")).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("expected host:port"),
    });
  });
});
