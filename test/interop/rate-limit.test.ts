/**
 * One address that calls more often than it may: the reference and ours, with the limits that both have by default.
 */
import { randomInt } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ProbeAnswer } from "../harness/processes/probe.ts";
import { SERVICE_KINDS } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

const BURST = 60;
const CALLS = 300;
/** Time for about 150 more: those over it need not wait to be refused. */
const TIMEOUT_MS = 10_000;

describe.each(SERVICE_KINDS)("the %s service", (kind) => {
  test("answers a burst, and refuses at once what would wait longer than its deadline", async () => {
    await using stage = new Stage();
    const probe = stage.probe(await stage.service(kind));
    const metadata = { "x-real-ip": `10.99.${randomInt(256)}.${randomInt(256)}` };
    const call = (): Promise<ProbeAnswer> =>
      probe.call({ do: "hello", clusterId: "c", timeoutMs: TIMEOUT_MS, metadata });
    const answers = await Promise.all(Array.from({ length: CALLS }, call));
    const answered = answers.filter(({ code }) => code === "OK").length;
    expect(answered).toBeGreaterThanOrEqual(BURST);
    expect(answered).toBeLessThan(CALLS);
    // On a slow machine the last of those that wait may be too late.
    const refused = answers.filter(({ code }) => code !== "OK" && code !== "DeadlineExceeded");
    expect(new Set(refused.map(({ code, message }) => `${code}: ${message}`))).toEqual(
      new Set(["ResourceExhausted: rate limit exceeds request timeout"]),
    );
  });

  test("has a caller without a deadline wait for its turn", async () => {
    await using stage = new Stage();
    const probe = stage.probe(await stage.service(kind));
    const metadata = { "x-real-ip": `10.99.${randomInt(256)}.${randomInt(256)}` };
    const answers = await Promise.all(
      Array.from({ length: BURST + 15 }, () =>
        probe.call({ do: "hello", clusterId: "c", metadata }),
      ),
    );
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(["OK"]));
  });

  test("limits each address for itself, IPv6 too", async () => {
    await using stage = new Stage();
    const probe = stage.probe(await stage.service(kind));
    const call = (address: string) =>
      probe.call({
        do: "hello",
        clusterId: "c",
        timeoutMs: TIMEOUT_MS,
        metadata: { "x-real-ip": address },
      });
    const addresses = Array.from({ length: CALLS }, (_, i) =>
      i % 2 === 0 ? `10.100.${i >> 8}.${i & 255}` : `2001:db8:${i.toString(16)}::1`,
    );
    const answers = await Promise.all(addresses.map(call));
    expect(answers.map(({ code }) => code)).not.toContain("ResourceExhausted");
  });
});
