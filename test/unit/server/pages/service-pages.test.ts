import { afterEach, describe, expect, test } from "vitest";
import { MemoryRegistry } from "../../../../src/registry/index.ts";
import {
  createFetchHandler,
  createProcedures,
  ServiceHealth,
  servicePages,
} from "../../../../src/server/index.ts";

const registries: MemoryRegistry[] = [];

afterEach(async () => {
  for (const registry of registries.splice(0)) await registry.close();
});

interface Site {
  readonly registry: MemoryRegistry;
  readonly health: ServiceHealth;
  /** @param accept - The `Accept` header; a browser's by default. */
  get(path: string, accept?: string, init?: RequestInit): Promise<Response>;
}

const BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8";
const CURL = "*/*";

function open(options: Parameters<typeof createProcedures>[1] = {}): Site {
  const registry = new MemoryRegistry();
  registries.push(registry);
  const procedures = createProcedures(registry, options);
  const health = new ServiceHealth(registry);
  const handler = createFetchHandler(registry, {
    pages: servicePages({ registry, procedures, health }),
  });
  return {
    registry,
    health,
    get: (path, accept = BROWSER, init = {}) =>
      handler(
        new Request(`http://service.example${path}`, {
          ...init,
          headers: { accept, ...init.headers },
        }),
        { peerAddress: "192.0.2.1" },
      ),
  };
}

function publish({ registry }: Site, clusterId: string, affiliateId: string, bytes = 300): void {
  const data = new Uint8Array(bytes).fill(0x41);
  const endpoints = [new Uint8Array(32), new Uint8Array(32).fill(1)];
  registry.update({ clusterId, affiliateId, data, endpoints, ttlMs: 1_800_000 });
}

describe("health", () => {
  test("the process is alive while it answers; it is ready while the registry is well", async () => {
    const site = open();
    for (const path of ["/healthz", "/readyz"]) {
      const response = await site.get(path, CURL);
      expect([response.status, await response.text()]).toEqual([200, "ok\n"]);
    }
    await site.registry.close();
    expect((await site.get("/healthz", CURL)).status).toBe(200);
    const response = await site.get("/readyz", CURL);
    expect([response.status, await response.text()]).toEqual([503, "closed\n"]);
  });

  test("a warning is shown, in one line, and the service stays ready", async () => {
    const site = open();
    const warning = "cannot save the snapshot a\nb.binpb: disk full";
    site.registry.health = () => ({ ok: true, warning });
    const response = await site.get("/readyz", CURL);
    expect([response.status, await response.text()]).toEqual([
      200,
      "ok\nwarning: cannot save the snapshot a\\u000ab.binpb: disk full\n",
    ]);
    site.registry.health = () => ({ ok: false, reason: "journal", warning: "old" });
    const failed = await site.get("/readyz", CURL);
    expect([failed.status, await failed.text()]).toEqual([503, "journal\nwarning: old\n"]);
  });

  test("a service that works and has something to tell is ready, and tells it", async () => {
    let warning: string | undefined = "snapshot not saved: the disk reports an error";
    const registry = new MemoryRegistry();
    registries.push(registry);
    const health = new ServiceHealth(registry, () => warning);
    const procedures = createProcedures(registry, {});
    const pages = servicePages({ registry, procedures, health });
    const handler = createFetchHandler(registry, { pages });
    const readiness = async () => {
      const response = await handler(new Request("http://service.example/readyz"), {
        peerAddress: "192.0.2.1",
      });
      return [response.status, await response.text()];
    };
    expect(await readiness()).toEqual([
      200,
      "ok\nwarning: snapshot not saved: the disk reports an error\n",
    ]);
    warning = undefined;
    expect(await readiness()).toEqual([200, "ok\n"]);
  });

  test("a service that drains is not ready", async () => {
    const site = open();
    site.health.drain();
    const response = await site.get("/readyz", CURL);
    expect([response.status, await response.text()]).toEqual([503, "shutting down\n"]);
  });
});

describe("statistics", () => {
  test("are JSON that every page may read, kept for an hour", async () => {
    const site = open();
    publish(site, "c", "a");
    publish(site, "c", "b");
    const response = await site.get("/stats", CURL, { headers: { origin: "https://a.example" } });
    expect(await response.json()).toEqual({ affiliates: 2 });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("cache-control")).toBe("public, max-age=3600");
    expect(response.headers.get("content-type")).toBe("application/json");
  });
});

describe("pages for people", () => {
  test("a browser gets HTML that runs nothing, curl gets text", async () => {
    const site = open();
    const page = await site.get("/");
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.headers.get("content-security-policy")).not.toContain("unsafe");
    expect(await page.text()).toContain('<link rel="stylesheet" href="/style.css">');
    expect((await site.get("/style.css")).headers.get("content-type")).toMatch(/^text\/css/);
    const text = await site.get("/", CURL);
    expect(text.headers.get("content-type")).toMatch(/^text\/plain/);
  });

  test("inspecting a cluster shows IDs and sizes, and nothing of what is sealed", async () => {
    const site = open();
    publish(site, "c", "node-1", 321);
    const page = await (await site.get("/inspect?clusterID=c")).text();
    expect(page).toContain("node-1");
    expect(page).toContain(">321<");
    expect(page).not.toContain("AAAA");
    expect(await (await site.get("/inspect?clusterID=c", CURL)).text()).toBe("node-1\t321\t2\n");
  });

  test("inspecting an unknown cluster makes none", async () => {
    const site = open();
    const response = await site.get("/inspect?clusterID=unknown");
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("No machine is registered");
    expect(site.registry.totals().clusters).toBe(0);
  });

  test.each([
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</code></title><svg/onload=alert(1)>",
    "&lt;b&gt;",
    "javascript:alert(1)",
  ])("the IDs %j stay text", async (hostile) => {
    const site = open();
    publish(site, hostile, hostile);
    const page = await (await site.get(`/inspect?clusterID=${encodeURIComponent(hostile)}`)).text();
    const harmless = await (await site.get("/inspect?clusterID=c")).text();
    // Whatever an ID holds, it adds no tag but those of its row, and ends no attribute.
    expect(page.match(/<(script|img|svg|b)\b/g)).toBeNull();
    expect(page.match(/<form/g)).toHaveLength(harmless.match(/<form/g)?.length ?? 0);
    const escaped = hostile
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      .replaceAll("'", "&#39;");
    expect(page).toContain(`value="${escaped}"`);
    expect(page).toContain(`<td><bdi>${escaped}</bdi></td>`);
  });

  test("in text, an ID cannot start a line or turn the order of letters", async () => {
    const site = open();
    publish(site, "c", "a\nforged\t1\t1\u202e");
    const text = await (await site.get("/inspect?clusterID=c", CURL)).text();
    expect(text).toBe('"a\\nforged\\t1\\t1\\u202e"\t300\t2\n');
  });

  test.each([
    ["/inspect", 400, "cluster ID can't be empty"],
    [`/inspect?clusterID=${"x".repeat(257)}`, 400, "cluster ID is too long"],
  ])("%s is refused with the words of the protocol", async (path, status, reason) => {
    const site = open();
    const text = await site.get(path, CURL);
    expect([text.status, await text.text()]).toEqual([status, `${reason}\n`]);
    const page = await site.get(path);
    expect(page.status).toBe(status);
    expect(await page.text()).toContain(reason.replace("'", "&#39;"));
  });

  test("reading through pages has the limits of calls", async () => {
    const site = open({ allowCluster: (id) => id === "ours" });
    expect((await site.get("/inspect?clusterID=ours")).status).toBe(200);
    expect((await site.get("/inspect?clusterID=theirs")).status).toBe(403);
    const limited = open({ rateLimit: { perSecond: 0.01, burst: 1 } });
    expect((await limited.get("/inspect?clusterID=c")).status).toBe(200);
    expect((await limited.get("/inspect?clusterID=c")).status).toBe(429);
  });
});

test("pages are read, not written", async () => {
  const site = open();
  for (const path of ["/healthz", "/readyz", "/stats", "/inspect", "/"]) {
    const response = await site.get(path, BROWSER, { method: "POST" });
    expect([path, response.status]).toEqual([path, 405]);
    const head = await site.get(path, BROWSER, { method: "HEAD" });
    expect(await head.text()).toBe("");
  }
});
