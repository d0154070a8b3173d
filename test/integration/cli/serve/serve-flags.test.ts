/** Each group of flags, seen from a client. */
import { copyFile, writeFile } from "node:fs/promises";
import { afterEach, expect, test } from "vitest";
import { createTestFolder } from "../../../harness/cli/test-folder.ts";
import { type RunningCommand, startCommand } from "../../../harness/cli/test-terminal.ts";

const TLS = new URL("../../../fixtures/tls/", import.meta.url).pathname;
const running = new Set<RunningCommand>();

afterEach(async () => {
  for (const command of running) {
    command.interrupt();
    await command.exitCode;
  }
  running.clear();
});

interface RunningService {
  readonly command: RunningCommand;
  readonly url: string;
}

async function startService(...argv: string[]): Promise<RunningService> {
  const command = startCommand(["serve", "--addr", "127.0.0.1:0", ...argv]);
  running.add(command);
  return { command, url: (await command.printed(/^listening on (\S+)$/m))[1] ?? "" };
}

/** Stops a service in order. */
async function stop({ command }: RunningService): Promise<number> {
  running.delete(command);
  command.interrupt();
  return command.exitCode;
}

/** One call over Connect with JSON: the answer, or what it was refused with. */
async function call(
  { url }: RunningService,
  method: string,
  request: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/sidero.discovery.server.Cluster/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(request),
  });
  return (await response.json()) as Record<string, unknown>;
}

function publish(service: RunningService, clusterId: string, affiliateId: string) {
  const request = { clusterId, affiliateId, affiliateData: "AQID", ttl: "600s" };
  return call(service, "AffiliateUpdate", request);
}

test("the state is in the snapshot file after a stop, and in the next process", async () => {
  await using folder = await createTestFolder();
  const flags = ["-snapshots-enabled", `-snapshot-path=${folder.path("state/state.binpb")}`];
  const first = await startService(...flags);
  await publish(first, "c", "a");
  expect(await stop(first)).toBe(0);

  const second = await startService(...flags);
  await second.command.printed(/loaded: kept 1 cluster, 1 affiliate, 0 endpoints/);
  expect(await call(second, "List", { clusterId: "c" })).toStrictEqual({
    affiliates: [{ id: "a", data: "AQID" }],
  });
  // While its folder is there: it saves once more.
  expect(await stop(second)).toBe(0);
});

test("a folder that cannot be written is told of, the service runs, and the last save makes it end with 1", async () => {
  await using folder = await createTestFolder();
  const file = await folder.file("file", "");
  const flags = ["-snapshots-enabled", `-snapshot-path=${file}/state.binpb`];
  const service = await startService(...flags, "-snapshot-change-delay=1ms");
  await publish(service, "c", "a");
  await service.command.printed(/ warn {2}snapshot not saved: [^\n]+\n/);
  const ready = await fetch(`${service.url}/readyz`);
  expect([ready.status, await ready.text()]).toStrictEqual([
    200,
    "ok\nwarning: snapshot not saved: a part of the path is no directory\n",
  ]);
  expect(await call(service, "List", { clusterId: "c" })).toHaveProperty("affiliates");
  expect(await stop(service)).toBe(1);
});

test("a service that finds its port taken leaves the file alone", async () => {
  await using folder = await createTestFolder();
  const service = await startService();
  const path = folder.path("state.binpb");
  const second = startCommand(
    ["serve", "-addr", service.url.slice("http://".length), "-snapshot-path", path],
    { env: { TALOS_DISCOVERY_SNAPSHOTS_ENABLED: "true" } },
  );
  expect(await second.exitCode).toBe(1);
  expect(second.stderr()).toMatch(/no snapshot at .*\n.*the port is in use\n$/);
  await expect(copyFile(path, folder.path("copy"))).rejects.toThrow("ENOENT");
});

test("calls over the rate limit are refused where they cannot wait", async () => {
  const service = await startService("-rate-limit=1", "-rate-burst=2");
  const hello = () =>
    call(
      service,
      "Hello",
      { clusterId: "c", clientVersion: "v1.0.0" },
      { "connect-timeout-ms": "1" },
    );
  let answer = await hello();
  // A busy machine may have given a token back meanwhile.
  for (let round = 0; round < 100 && answer.code !== "resource_exhausted"; round++) {
    answer = await hello();
  }
  expect(answer).toStrictEqual({
    code: "resource_exhausted",
    message: "rate limit exceeds request timeout",
  });
});

test("ceilings are where the flags say", async () => {
  const clusters = await startService("-max-clusters=1");
  expect(await publish(clusters, "c", "a")).toStrictEqual({});
  expect(await publish(clusters, "d", "a")).toMatchObject({ code: "resource_exhausted" });
  const affiliates = await startService("-max-affiliates=1");
  expect(await publish(affiliates, "c", "a")).toStrictEqual({});
  expect(await publish(affiliates, "c", "b")).toMatchObject({ code: "resource_exhausted" });
});

test("headers of trusted proxies count, each as its flag says; callers are told their IP, or not", async () => {
  const hello = async (...argv: string[]) => {
    const service = await startService(...argv);
    const headers = { "x-real-ip": "192.0.2.1", "x-forwarded-for": "192.0.2.2, 10.0.0.1" };
    const request = { clusterId: "c", clientVersion: "v1.0.0" };
    const { clientIp } = await call(service, "Hello", request, headers);
    return clientIp === undefined ? undefined : [...Buffer.from(String(clientIp), "base64")];
  };
  expect(await hello()).toStrictEqual([127, 0, 0, 1]);
  const trust = "-trusted-proxies=127.0.0.1";
  expect(await hello(trust)).toStrictEqual([192, 0, 2, 1]);
  expect(await hello(trust, "-trust-x-real-ip=false")).toStrictEqual([192, 0, 2, 2]);
  expect(
    await hello(trust, "-trust-x-real-ip=false", "-trust-first-x-forwarded-for=false"),
  ).toStrictEqual([127, 0, 0, 1]);
  expect(await hello("-report-client-ip=false")).toBeUndefined();
});

test("clusters that are not on the list are refused, and a changed list is read at once when asked for", async () => {
  await using folder = await createTestFolder();
  const list = await folder.file("clusters", "# ours\nc\n");
  const service = await startService(`-cluster-allow-list=${list}`);
  expect(await publish(service, "c", "a")).toStrictEqual({});
  expect(await publish(service, "d", "a")).toMatchObject({ code: "permission_denied" });
  await writeFile(list, "c\nd\n");
  service.command.reload();
  await service.command.printed(/allow list replaced clusters=2 added=1 removed=0/);
  expect(await publish(service, "d", "a")).toStrictEqual({});
  await writeFile(list, "two words\n");
  service.command.reload();
  await service.command.printed(/error new allow list refused, the old one stays error=".*line 1/);
  expect(await publish(service, "d", "b")).toStrictEqual({});
});

test("a renewed certificate is taken, and a bad one is not", async () => {
  await using folder = await createTestFolder();
  const certificate = folder.path("tls.crt");
  const key = folder.path("tls.key");
  await copyFile(`${TLS}server.pem`, certificate);
  await copyFile(`${TLS}server-key.pem`, key);
  const { command } = await startService(`-certificate-path=${certificate}`, `-key-path=${key}`);
  await copyFile(`${TLS}renewed.pem`, certificate);
  await copyFile(`${TLS}renewed-key.pem`, key);
  command.reload();
  await command.printed(/info {2}certificate replaced subject=\S+ not_after=\d{4}-/);
  await writeFile(key, "no key");
  command.reload();
  await command.printed(/error new certificate refused, the old one stays error=/);
});

test.each(["", "off"])("pages have a port of their own, and with %j none", async (off) => {
  const { command } = await startService("-landing-addr", "127.0.0.1:0");
  const [, url = ""] = await command.printed(/ landing=(http:\S+)/);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  const without = await startService("-landing-addr", off);
  expect(without.command.stderr()).not.toContain("landing");
});

test.each(["", "off"])("metrics have a port of their own, and with %j none", async (off) => {
  const service = await startService("-metrics-addr", "127.0.0.1:0");
  const [, url = ""] = await service.command.printed(/ metrics=(http:\S+)/);
  await publish(service, "c", "a");
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toContain("\ndiscovery_state_affiliates 1\n");
  expect(text).toMatch(
    /^grpc_server_handled_total\{grpc_method="AffiliateUpdate",.*grpc_code="OK"\} 1$/m,
  );
  expect((await fetch(`${service.url}/metrics`)).status).toBe(404);
  const without = await startService("-metrics-addr", off);
  expect(without.command.stderr()).not.toContain("metrics");
});

test("a level keeps what is below out of the log; cluster IDs are hashed unless asked for", async () => {
  const quiet = await startService("-log-level=error");
  await publish(quiet, "c", "a");
  await stop(quiet);
  expect(quiet.command.stderr()).toBe("");
  const hashed = await startService("-debug", "-log-level=error");
  await publish(hashed, "my-cluster", "a");
  await hashed.command.printed(/AffiliateUpdate .*cluster_id=#[0-9a-f]{12} /);
  const plain = await startService("-log-level=debug", "-log-cluster-ids");
  await publish(plain, "my-cluster", "a");
  await plain.command.printed(/AffiliateUpdate .*cluster_id=my-cluster /);
});

test("a message over the limit is refused", async () => {
  const service = await startService("-max-request-bytes=100");
  const answer = await call(service, "List", { clusterId: "x".repeat(200) });
  expect(answer).toMatchObject({ code: "resource_exhausted" });
});

test("headers over the limit are refused", async () => {
  const service = await startService("-max-header-bytes=100");
  const answer = await fetch(`${service.url}/healthz`, { headers: { "x-long": "x".repeat(200) } });
  expect(answer.status).toBe(431);
});

test("a missing allow list or certificate is a wrong command", async () => {
  await using folder = await createTestFolder();
  const missing = folder.path("missing");
  const command = startCommand(["serve", "-addr=127.0.0.1:0", `-cluster-allow-list=${missing}`]);
  expect(await command.exitCode).toBe(2);
  expect(command.stderr()).toBe(`talos-discovery: ${missing}: no such file or directory\n`);
});
