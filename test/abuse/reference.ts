/**
 * `node test/abuse/reference.ts [NAME…]`: the attacks for which the Go service has the surface,
 * against it and against ours, each with the default settings, and prints a table for
 * `docs/security.md`. A name selects attacks whose names contain it.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { buildBinaries } from "../harness/go/binaries.ts";
import { COSTLY_GRPC_ANSWERS } from "./attacks/costly-answers.ts";
import { GRPC_FAN_OUT } from "./attacks/fan-out.ts";
import { FILLING, IDLE_CONNECTIONS } from "./attacks/filling.ts";
import { FRAME_FLOODS } from "./attacks/frames.ts";
import { WAITING } from "./attacks/many-at-once.ts";
import { CALLS_WITHOUT_MESSAGE, GRPC_FLOODS, HEALTH_WATCHES } from "./attacks/other-calls.ts";
import { UNREAD_GRPC_ANSWERS } from "./attacks/unread-answers.ts";
import { AttackedService } from "./harness/attacked-service.ts";
import type { Attack } from "./harness/attacker.ts";
import { fillCluster } from "./harness/fill.ts";
import { GoodNode } from "./harness/good-node.ts";
import { measureAttack } from "./harness/row.ts";

const FULL_CLUSTER = "full";

/** After an attack, before what is left is looked at. */
const LEFT_AFTER_MS = 15_000;

const ATTACKS: readonly Attack[] = [
  ...COSTLY_GRPC_ANSWERS,
  ...UNREAD_GRPC_ANSWERS,
  GRPC_FAN_OUT,
  HEALTH_WATCHES,
  ...GRPC_FLOODS,
  ...CALLS_WITHOUT_MESSAGE.slice(0, 1),
  WAITING,
  FILLING,
  IDLE_CONNECTIONS,
  {
    name: `${FRAME_FLOODS.length} kinds of floods of HTTP/2 frames, one after the other`,
    run: async (attacker) => {
      for (const flood of FRAME_FLOODS) await flood.run(attacker);
    },
  },
];

/** One cell: how the good node fared, and memory before, at most, and after. */
async function attackOnce(attack: Attack, reference: string | undefined): Promise<string> {
  await using service = await AttackedService.start(reference === undefined ? {} : { reference });
  const good = new GoodNode(service);
  await using _node = good.process;
  await good.isServed();
  await fillCluster(service, FULL_CLUSTER);
  const figures = await measureAttack(service, good, attack, FULL_CLUSTER);
  if (!service.process.isAlive) return "**ended**";
  await sleep(LEFT_AFTER_MS);
  const { p50Ms, p99Ms, failures } = figures.good;
  const { residentBeforeMb, residentPeakMb, cpuPercent } = figures;
  const failed = failures.length === 0 ? "" : `, fails: ${failures.join(", ")}`;
  return (
    `p50 ${p50Ms}, p99 ${p99Ms} ms${failed}; CPU ${cpuPercent} %; ` +
    `${residentBeforeMb} → ${residentPeakMb} → ${service.residentMb} MB`
  );
}

const names = process.argv.slice(2);
const chosen = ATTACKS.filter(
  ({ name }) => names.length === 0 || names.some((part) => name.includes(part)),
);
const { service: reference } = await buildBinaries();
process.stdout.write("| attack | ours | reference |\n| --- | --- | --- |\n");
for (const attack of chosen) {
  const ours = await attackOnce(attack, undefined);
  const theirs = await attackOnce(attack, reference);
  process.stdout.write(`| ${attack.name} | ${ours} | ${theirs} |\n`);
}
