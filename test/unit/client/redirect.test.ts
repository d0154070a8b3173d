import { describe, expect, test, vi } from "vitest";
import { FakeService, listed, unavailable, until } from "../../harness/service/fake-service.ts";
import { setUpHarness } from "./client-harness.ts";

const harness = setUpHarness();

/** Services by base URL; the harness's own is the configured one. */
function servicesAt(services: Record<string, FakeService>) {
  const tried: string[] = [];
  return {
    tried,
    transport: (url: string) => {
      tried.push(url);
      const service =
        url === "https://discovery.test:443" ? harness.current.service : services[url];
      if (service === undefined) throw unavailable();
      return service.transport();
    },
  };
}

function redirectTo(service: FakeService, endpoint: string): void {
  service.hello = async () => ({ redirect: { endpoint } });
}

describe("a redirect", () => {
  test("is followed with the same security, and all else happens there", async () => {
    const other = new FakeService();
    other.snapshot = [listed("a")];
    other.hello = async () => ({ clientIp: new Uint8Array([192, 0, 2, 1]) });
    redirectTo(harness.current.service, "other.test:1234");
    const { tried, transport } = servicesAt({ "https://other.test:1234": other });
    const client = await harness.current.startConnected({ transport });
    client.publish({}, { endpoints: [] });
    await client.flush();
    expect(tried).toEqual(["https://discovery.test:443", "https://other.test:1234"]);
    expect(client.status.service).toBe("https://other.test:1234");
    expect(client.publicAddress).toBe("192.0.2.1");
    expect(client.affiliates.has("a")).toBe(true);
    expect(other.countOf("update")).toBe(1);
    expect(harness.current.service.watches).toHaveLength(0);
    expect(harness.current.service.closed).toBe(1);
  });

  test("to a service that does not tell our address leaves us the one that was told before", async () => {
    const other = new FakeService();
    harness.current.service.hello = async () => ({
      redirect: { endpoint: "other.test:1234" },
      clientIp: new Uint8Array([192, 0, 2, 1]),
    });
    const { transport } = servicesAt({ "https://other.test:1234": other });
    const client = await harness.current.startConnected({ transport });
    expect(client.status.service).toBe("https://other.test:1234");
    expect(client.publicAddress).toBe("192.0.2.1");
    harness.current.service.hello = async () => ({});
    other.hello = () => Promise.reject(unavailable());
    other.watch.end();
    await until(() => harness.current.retries.length === 1);
    await vi.advanceTimersByTimeAsync(500);
    await until(() => client.status.phase === "connected");
    expect(client.status.service).toBe("https://discovery.test:443");
    expect(client.publicAddress).toBe("192.0.2.1");
  });

  test("to a place that fails leads back to the configured service", async () => {
    redirectTo(harness.current.service, "dead.test:1");
    const { tried, transport } = servicesAt({});
    const client = harness.current.start({ transport });
    await until(() => harness.current.retries.length === 1);
    harness.current.service.hello = async () => ({});
    await vi.advanceTimersByTimeAsync(500);
    await until(() => client.status.phase === "connected");
    expect(tried).toEqual([
      "https://discovery.test:443",
      "https://dead.test:1",
      "https://discovery.test:443",
    ]);
  });

  test("whose connection breaks is tried once more, then it is the configured service again", async () => {
    const other = new FakeService();
    redirectTo(harness.current.service, "other.test:1");
    const services: Record<string, FakeService> = { "https://other.test:1": other };
    const { tried, transport } = servicesAt(services);
    const client = await harness.current.startConnected({ transport });
    delete services["https://other.test:1"];
    harness.current.service.hello = async () => ({});
    other.watch.fail(unavailable());
    await until(() => harness.current.retries.length === 1);
    await vi.advanceTimersByTimeAsync(500);
    await until(() => harness.current.retries.length === 2);
    await vi.advanceTimersByTimeAsync(750);
    await until(() => client.status.phase === "connected");
    expect(tried.slice(2)).toEqual(["https://other.test:1", "https://discovery.test:443"]);
  });

  test("in a circle ends after 5 hops with an error, and starts over after a wait", async () => {
    redirectTo(harness.current.service, "discovery.test:443");
    const { tried, transport } = servicesAt({});
    const client = harness.current.start({ transport });
    await until(() => harness.current.retries.length === 1);
    expect(tried).toHaveLength(6);
    expect(client.status.lastError?.code).toBe("ERR_REDIRECT_LOOP");
    harness.current.service.hello = async () => ({});
    await vi.advanceTimersByTimeAsync(500);
    await until(() => client.status.phase === "connected");
  });

  test.each([
    "no/where",
    "user@host:1",
    "host:0",
    "host:99999",
    ":1",
    "a b:1",
    "x".repeat(70_000),
    "x.".repeat(70_000),
  ])("to no place is a failure: %.20s", async (endpoint) => {
    redirectTo(harness.current.service, endpoint);
    const client = harness.current.start();
    await until(() => harness.current.retries.length === 1);
    expect(client.status.lastError?.message.length).toBeLessThan(400);
  });

  test("to nothing is none", async () => {
    redirectTo(harness.current.service, "");
    await harness.current.startConnected();
  });
});
