/**
 * `npm run bench:watch [-- --quick] [--json]`: how long it takes from a node's `publish` to a line of `get -w`, against the Go client.
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { generateClusterId, generateClusterSecret } from "../../src/crypto/index.ts";
import { generateNodeId } from "../../src/identity/index.ts";
import { buildBinaries } from "../../test/harness/go/binaries.ts";
import { type Place, startClient } from "../cases/discovery-peers.ts";
import { describeMachine } from "../harness/machine.ts";
import { type Measurement, pool, summarizeMeasurement } from "../harness/measurement.ts";
import { formatDuration, formatTable } from "../harness/table.ts";
import { SERVER_NAMES, ServerHall, type ServerName } from "../service/servers.ts";
import { type Follower, startGet, startGoClient } from "./followers.ts";

/** What a line of `get -w` may take on loopback. */
const P99_LIMIT_NS = 100_000_000;

/** Both services let an address call 15 times a second; over that it would be their limit that is measured. */
const PACE_MS = 80;

const NS_PER_MS = 1_000_000;

interface Plan {
  readonly rounds: number;
  readonly publishes: number;
}

const FULL: Plan = { rounds: 4, publishes: 250 };
/** Shows that everything works, not how fast. */
const QUICK: Plan = { rounds: 1, publishes: 20 };

/** One service, and both followers at once: each change reaches both, and who is told first changes from round to round. */
async function runRound(
  hall: ServerHall,
  goProgram: string,
  name: ServerName,
  { publishes, round }: { readonly publishes: number; readonly round: number },
): Promise<Measurement> {
  await using server = await hall.start(name);
  const place: Place = {
    service: `http://${server.endpoint}`,
    clusterId: generateClusterId(),
    clusterSecret: generateClusterSecret(),
  };
  const publisher = startClient(place);
  const publish = (hostname: string) =>
    publisher.client.publish({ hostname, nodename: "node" }, { endpoints: [] });
  await using started = new AsyncDisposableStack();
  const starters: (() => Follower)[] = [
    () => startGet(place),
    () => startGoClient(goProgram, place, generateNodeId()),
  ];
  publish("first");
  const followers: Follower[] = [];
  for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) {
    const follower = started.use((starters[at] as () => Follower)());
    followers[at] = follower;
    await follower.sees("first");
  }
  const values: number[][] = followers.map(() => []);
  for (let step = 0; step < publishes; step++) {
    const hostname = `host-${step}`;
    const startMs = performance.now();
    publish(hostname);
    const seenMs = await Promise.all(followers.map((follower) => follower.sees(hostname)));
    for (const [at, ms] of seenMs.entries()) values[at]?.push((ms - startMs) * NS_PER_MS);
    await delay(PACE_MS);
  }
  await publisher.leave();
  return {
    name: `publish until the line is here, ${name === "ours" ? "our" : "the reference"} service`,
    unit: "ns",
    versions: followers.map((follower, at) => ({ name: follower.name, values: values[at] ?? [] })),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: "boolean" }, json: { type: "boolean" } },
  });
  const { quick = false, json = false } = values;
  const { rounds, publishes } = quick ? QUICK : FULL;
  const { interop } = await buildBinaries();
  await using hall = await ServerHall.open();
  const measured: Measurement[][] = [];
  for (let round = 0; round < rounds; round++) {
    const results: Measurement[] = [];
    for (const name of SERVER_NAMES) {
      results.push(await runRound(hall, interop, name, { publishes, round }));
    }
    measured.push(results);
  }
  const results = pool(measured).map(summarizeMeasurement);
  const machine = describeMachine();
  if (json) {
    console.log(JSON.stringify({ machine, quick, results }, null, 2));
    return;
  }
  console.log(`${Object.values(machine).join(", ")}${quick ? ", quick" : ""}\n`);
  console.log(formatTable(results));
  const p99 = Math.max(...results.map(({ versions: [ours] }) => ours?.values.p99 ?? 0));
  console.log(
    `p99 of get -w: ${formatDuration(p99)}, to be at most ${formatDuration(P99_LIMIT_NS)}: ` +
      `${p99 <= P99_LIMIT_NS ? "holds" : "does not hold"}`,
  );
}

await main();
