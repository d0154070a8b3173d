import { Command } from "commander";
import { expect, test } from "vitest";
import { UsageError } from "../../../../src/cli/exit.ts";
import { Flags } from "../../../../src/cli/flags/flags.ts";
import { readServeSettings } from "../../../../src/cli/serve/serve-settings.ts";
import { createSettingOptions } from "../../../../src/cli/serve/setting-table.ts";

/** What `serve` makes of flags. */
function settingsOf(...argv: string[]) {
  const command = new Command();
  for (const option of createSettingOptions()) command.addOption(option);
  command.parse(argv, { from: "user" });
  return readServeSettings(new Flags(command, {}));
}

test("without flags, all options have the defaults of the help", () => {
  expect(settingsOf()).toStrictEqual({
    serve: {
      port: 3000,
      redirectEndpoint: undefined,
      tls: undefined,
      trustedProxies: [],
      trustXRealIp: true,
      trustFirstXForwardedFor: true,
      reportClientIp: true,
      corsOrigins: [],
      rateLimit: { perSecond: 15, burst: 60 },
      ceilings: { maxWatches: 50_000, maxWatchesPerClient: 5000 },
      maxRequestBytes: 65_536,
      connections: {
        maxConnections: 20_000,
        maxStreamsPerConnection: 1000,
        maxHeaderBytes: 16_384,
        firstByteTimeoutMs: 10_000,
        idleTimeoutMs: 300_000,
      },
      connectTimeoutMs: 10_000,
      shutdownTimeoutMs: 10_000,
    },
    landing: { port: 3001, isDefault: true },
    metrics: { port: 2122, isDefault: true },
    clusterAllowList: undefined,
    limits: { maxClusters: 100_000, maxAffiliates: 200_000 },
    snapshot: {
      path: "/var/discovery-service/state.binpb",
      intervalMs: 600_000,
      changeDelayMs: 2000,
      restartGraceMs: 300_000,
      shutdownTimeoutMs: 10_000,
    },
    log: { format: "text", level: "info", clusterIds: false },
  });
});

test("one timeout is for the first byte and for the TLS handshake", () => {
  const { serve } = settingsOf("--first-byte-timeout=3s");
  expect(serve.connections?.firstByteTimeoutMs).toBe(3000);
  expect(serve.connectTimeoutMs).toBe(3000);
});

test("one timeout is for calls in progress and for the last save", () => {
  const { serve, snapshot } = settingsOf("--shutdown-timeout=3s");
  expect(serve.shutdownTimeoutMs).toBe(3000);
  expect(snapshot?.shutdownTimeoutMs).toBe(3000);
});

test("a rate of 0 is no limit, whatever the burst", () => {
  expect(settingsOf("--rate-limit=0", "--rate-burst=5").serve.rateLimit).toBe(false);
  expect(settingsOf("--rate-burst=5").serve.rateLimit).toStrictEqual({ perSecond: 15, burst: 5 });
});

test("a change delay of 0 saves on the interval only", () => {
  expect(settingsOf("--snapshot-change-delay=0").snapshot?.changeDelayMs).toBe(
    Number.POSITIVE_INFINITY,
  );
});

test("without snapshots their other settings are checked, and have no effect", () => {
  const off = "--snapshots-enabled=false";
  expect(settingsOf(off, "--snapshot-interval=1m").snapshot).toBeUndefined();
  expect(() => settingsOf(off, "--snapshot-interval=soon")).toThrow(
    new UsageError('--snapshot-interval: "soon" is no duration such as 30m or 10s'),
  );
});

test("--debug goes before --log-level", () => {
  expect(settingsOf("--debug=true", "--log-level=error").log.level).toBe("debug");
  expect(settingsOf("--debug=false", "--log-level=error").log.level).toBe("error");
});

test("an address of pages that was asked for is not a default, and none is off", () => {
  expect(settingsOf("--landing-addr=:3001").landing).toStrictEqual({
    port: 3001,
    isDefault: false,
  });
  expect(settingsOf("--metrics-addr=off").metrics).toBeUndefined();
  expect(settingsOf("--metrics-addr=").metrics).toBeUndefined();
});

test("a certificate needs its key, and a client CA needs both", () => {
  const certificate = "--certificate-path=tls.crt";
  const key = "--key-path=tls.key";
  const clientCa = "--client-ca-path=ca.crt";
  expect(settingsOf(certificate, key, clientCa).serve.tls).toStrictEqual({
    certificatePath: "tls.crt",
    keyPath: "tls.key",
    clientCaPath: "ca.crt",
  });
  for (const argv of [[certificate], [key], [certificate, clientCa]]) {
    expect(() => settingsOf(...argv)).toThrow(
      new UsageError("--certificate-path and --key-path: one is missing"),
    );
  }
  expect(() => settingsOf(clientCa)).toThrow(
    new UsageError("--client-ca-path: only with --certificate-path and --key-path"),
  );
});
