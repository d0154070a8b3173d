/**
 * What strangers may send to the port: random, cut, slow, and far too much of it. The service stays up, within its memory,
 * without a complaint, and serves others.
 *
 * Chance is different in each run; `FUZZ_SEED` repeats one.
 * @module
 */
import { expect, test } from "vitest";
import { FLOODS } from "../harness/net/floods.ts";
import { residentMb } from "../harness/processes/process-memory.ts";
import { FaultStage } from "./harness/fault-stage.ts";
import { FUZZES } from "./harness/fuzzes.ts";
import { seededRandom } from "./harness/seeded-random.ts";

const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);

/** Floods that are repeated level off at 380 MB (seen with Node 24): garbage, and answers that wait for their readers. */
const PEAK_MB = 500;

/** In the cluster whose list floods ask for. */
const AFFILIATES = 300;
const DATA_BYTES = 2000;

test(`a port that strangers abuse goes on serving others (seed ${SEED})`, async () => {
  const stage = new FaultStage();
  const service = await stage.service();
  const fleet = await stage.fleet(service, { go: 2, ts: 1 });
  const probe = stage.probe(service);
  const metadata = { "x-real-ip": "10.9.0.1" };
  const fill = { do: "fill", clusterId: "full", count: AFFILIATES, dataBytes: DATA_BYTES } as const;
  expect((await probe.call({ ...fill, ttlMs: 600_000, metadata })).code).toBe("OK");

  async function expectServing(after: string): Promise<void> {
    expect(service.process.isAlive, `alive after ${after}`).toBe(true);
    const call = { do: "hello", clusterId: "c", timeoutMs: 15_000, metadata } as const;
    expect((await probe.call(call)).code, `Hello after ${after}`).toBe("OK");
    if (process.env.FUZZ_VERBOSE) {
      const { now, peak } = residentMb(service.process.pid);
      process.stderr.write(`${String(now).padStart(5)} MB, at most ${peak}, after ${after}\n`);
    }
  }

  for (const [name, run] of FUZZES) {
    await run(service, seededRandom(SEED));
    await expectServing(name);
  }
  for (const [name, run] of FLOODS) {
    await run(service);
    await expectServing(name);
  }
  await stage.check(service, { peakMb: PEAK_MB }, fleet);
});

test(`a TLS port that strangers abuse goes on serving others (seed ${SEED})`, async () => {
  const stage = new FaultStage();
  const service = await stage.service({ tls: true });
  const fleet = await stage.fleet(service, { go: 2, ts: 1 });
  const encrypted = { port: service.port, tls: true };
  for (const name of ["random bytes, also behind a good beginning", "calls with changed bytes"]) {
    // Under the handshake, and inside.
    await FUZZES.get(name)?.({ port: service.port }, seededRandom(SEED));
    await FUZZES.get(name)?.(encrypted, seededRandom(SEED + 1));
  }
  await FLOODS.get("PING whose answers nobody reads")?.(encrypted);
  await FLOODS.get("streams that are reset at once (rapid reset, CVE-2023-44487)")?.(encrypted);
  await stage.check(service, { peakMb: PEAK_MB }, fleet);
});
