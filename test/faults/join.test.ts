/**
 * What happens to a machine that has joined, in days: services that die, a network that is lost, other addresses, a sleep.
 * @module
 */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createCluster } from "../harness/processes/nodes.ts";
import type { Service } from "../harness/processes/services.ts";
import { FaultStage } from "./harness/fault-stage.ts";
import { JoinedMachine, type JoinOptions } from "./harness/joined-machine.ts";
import { NetworkNamespace } from "./harness/network-namespace.ts";
import { temporaryFolder } from "./harness/temporary-folder.ts";

const FAKETIME = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));
const SHORT_TTL = ["--ttl", "4s"];
const STOPPED_MS = 10_000;
/** A dead connection is found out by pings: some 20 s after the last word. */
const SILENCE_LIMIT_MS = 60_000;

const cluster = createCluster();

function machine(options: JoinOptions): JoinedMachine {
  const joined = new JoinedMachine(cluster, options);
  onTestFinished(() => joined[Symbol.asyncDispose]());
  return joined;
}

/** How many affiliates a service lists. */
async function count(stage: FaultStage, service: Service): Promise<number> {
  const { clusterId } = cluster;
  const { affiliates } = await stage.probe(service).call({ do: "list", clusterId });
  return affiliates?.length ?? 0;
}

test("machines that joined two services lose nobody while each is killed and started again, and leave both", async () => {
  const stage = new FaultStage();
  const services = [await stage.service(), await stage.service()];
  const machines = ["first", "second"].map((name) => machine({ services, name }));
  const [first, second] = machines as [JoinedMachine, JoinedMachine];
  await first.says(/^\+ +second /);
  await second.says(/^\+ +first /);
  for (const service of services) {
    // Until then it might know somebody through this one alone.
    for (const one of services) await expect.poll(() => count(stage, one)).toBe(2);
    const from = machines.map(({ lines }) => lines.length);
    await service.process.kill();
    for (const [i, one] of machines.entries()) await one.says(/; again in /, from[i]);
    const again = await stage.service({ port: service.port });
    for (const [i, one] of machines.entries()) {
      await one.says(new RegExp(`connected to http://${service.endpoint} again`), from[i]);
    }
    services[services.indexOf(service)] = again;
  }
  for (const service of services) await expect.poll(() => count(stage, service)).toBe(2);
  expect(machines.flatMap(({ losses }) => losses)).toEqual([]);

  expect(await first.process.terminate()).toBe(0);
  await second.says(/^- +first /);
  for (const service of services) expect(await count(stage, service)).toBe(1);
});

test("a machine that loses its network and gets it back, and other addresses, tells the others", async () => {
  const network = await NetworkNamespace.create();
  onTestFinished(() => network[Symbol.asyncDispose]());
  await network.addAddress("10.20.0.1/24");
  const stage = new FaultStage();
  const service = await stage.service({ through: network.enter });
  const options = { services: [service], through: network.enter, flags: SHORT_TTL };
  const moving = machine({ ...options, name: "moving" });
  const watching = machine({ ...options, name: "watching", flags: ["--address", "10.20.0.9"] });
  await watching.says(/^\+ +moving .*\["10\.20\.0\.1"\]$/);

  await network.addAddress("fd00:20::1/64");
  await watching.says(/^ +moving .*\["10\.20\.0\.1","fd00:20::1"\]$/);
  await network.removeAddress("10.20.0.1/24");
  await watching.says(/^ +moving .*\["fd00:20::1"\]$/);
  // Renewed: gone for a moment, with every other address.
  await network.removeAddress("fd00:20::1/64");
  await network.addAddress("10.20.0.2/24");
  await watching.says(/^ +moving .*\["10\.20\.0\.2"\]$/);
  expect(moving.lines.filter((line) => line.includes("the addresses are now"))).toHaveLength(3);
  expect(watching.losses).toEqual([]);

  await network.loopback("down");
  const from = moving.lines.length;
  await moving.says(/; again in /, from, SILENCE_LIMIT_MS);
  await network.loopback("up");
  await moving.says(/connected to .* again/, from);
  const newcomer = machine({ ...options, name: "newcomer" });
  await newcomer.says(/^\+ +moving .*\["10\.20\.0\.2"\]$/);
});

test("a machine whose process was stopped for longer than its TTL is there again", async () => {
  const stage = new FaultStage();
  const service = await stage.service();
  const stopped = machine({ services: [service], name: "stopped", flags: SHORT_TTL });
  const watching = machine({ services: [service], name: "watching" });
  await watching.says(/^\+ +stopped /);
  stopped.process.signal("SIGSTOP");
  await sleep(STOPPED_MS);
  await watching.says(/^- +stopped /);
  const from = watching.lines.length;
  stopped.process.signal("SIGCONT");
  await watching.says(/^\+ +stopped /, from);
});

test("a machine that slept connects anew, and is not seen gone", async () => {
  if (FAKETIME === undefined) throw new Error("no libfaketime: apt-get install faketime");
  const file = join(await temporaryFolder(), "time");
  await writeFile(file, "+0\n");
  const stage = new FaultStage();
  const service = await stage.service();
  const slept = machine({
    services: [service],
    name: "slept",
    // As for a sleep: the clock on the wall goes on, and the one of timers does not.
    env: {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
  });
  const watching = machine({ services: [service], name: "watching" });
  await watching.says(/^\+ +slept /);
  await slept.says(/registered/);
  await writeFile(file, "+7200\n");
  await slept.says(/the clock went on by 7\d{3} s, as in a sleep: connecting again/);
  const newcomer = machine({ services: [service], name: "newcomer" });
  await slept.says(/^\+ +newcomer /);
  await newcomer.says(/^\+ +slept /);
  expect(watching.losses).toEqual([]);
});
