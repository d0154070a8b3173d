import { Command } from "commander";
import { expect, test } from "vitest";
import { UsageError } from "../../../../src/cli/exit.ts";
import { Flags } from "../../../../src/cli/flags/flags.ts";
import { readServeSettings } from "../../../../src/cli/serve/serve-settings.ts";
import { createSettingOptions } from "../../../../src/cli/serve/setting-table.ts";

/** Twice the heap is less than what the container may have. */
const MACHINE = { constrained: 4 * 2 ** 30, heapLimit: 2 ** 30 };

/** What `serve` makes of flags. */
function settingsOf(...argv: string[]) {
  const command = new Command();
  for (const option of createSettingOptions()) command.addOption(option);
  command.parse(argv, { from: "user" });
  return readServeSettings(new Flags(command, {}), MACHINE);
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
      probeRateLimit: { perSecond: 10, burst: 50 },
      byteRate: { perSecond: 16_000_000, burst: 64_000_000 },
      uploadRate: undefined,
      unsent: { perConnection: 4 * 2 ** 20, perClient: 32 * 2 ** 20, total: 128 * 2 ** 20 },
      ceilings: { maxWatches: 50_000, maxWatchesPerClient: 5000, watchesSharePercent: 100 },
      maxRequestBytes: 16_384,
      connections: {
        maxConnections: 20_000,
        maxStreamsPerConnection: 1000,
        maxHeaderBytes: 16_384,
        firstByteTimeoutMs: 10_000,
        idleTimeoutMs: 300_000,
        writeTimeoutMs: 60_000,
        pingIntervalMs: 60_000,
        pingTimeoutMs: 20_000,
        sharePercent: 100,
        maxConnectStreamsPerConnection: 100,
      },
      connectTimeoutMs: 10_000,
      shutdownTimeoutMs: 10_000,
    },
    landing: { port: 3001, isDefault: true },
    metrics: { port: 2122, isDefault: true },
    clusterAllowList: undefined,
    limits: { maxClusters: 100_000, maxAffiliates: 200_000 },
    shares: { clustersPercent: 100, affiliatesPercent: 100 },
    memory: { maxBytes: 2 ** 30, isComputed: true, machine: MACHINE },
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

test("each rate of 0 is no limit", () => {
  expect(settingsOf("--probe-rate-limit=0").serve.probeRateLimit).toBe(false);
  expect(settingsOf("--client-bytes-per-second=0").serve.byteRate).toBe(false);
  expect(settingsOf("--client-upload-bytes-per-second=0").serve.uploadRate).toBe(false);
});

test("four seconds of what a client may send may come at once", () => {
  expect(settingsOf("--client-upload-bytes-per-second=3MB").serve.uploadRate).toEqual({
    perSecond: 3_000_000,
    burst: 12_000_000,
  });
});

test("a memory that is set decides, also over unsent bytes, unless they are set too", () => {
  const { memory, serve } = settingsOf("--max-memory=64Mi");
  expect(memory).toMatchObject({ maxBytes: 64 * 2 ** 20, isComputed: false });
  expect(serve.unsent?.total).toBe(8 * 2 ** 20);
  expect(settingsOf("--max-memory=64Mi", "--max-unsent-bytes=5MB").serve.unsent?.total).toBe(
    5_000_000,
  );
});

test("a memory with which nothing would work is refused, with the least that is taken", () => {
  expect(() => settingsOf("--max-memory=1Mi")).toThrow(
    new UsageError(
      '--max-memory: invalid size "1Mi": expected 16Mi to 1024Gi, for example 500MB, 256Mi or 1Gi',
    ),
  );
});

test("a share of 0 is off, and one over 100 is allowed", () => {
  const settings = settingsOf("--connections-share=0", "--clusters-share=900");
  expect(settings.serve.connections?.sharePercent).toBe(0);
  expect(settings.shares.clustersPercent).toBe(900);
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
