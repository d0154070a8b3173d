/**
 * Saves a registry over and over. Between two saves every affiliate's data become those of the next generation, so that a
 * file tells which save it is of, and whether it is of one alone.
 *
 * Arguments: path, clusters, affiliates of each, number of saves. Prints a JSON line for the load, and for the start and the
 * end of each save.
 * @module
 */
import { describeSnapshotLoad, openSnapshotRegistry } from "talos-discovery/node";

const [path = "", clusters = "1", affiliates = "1", saves = "1"] = process.argv.slice(2);
const DATA_BYTES = 500;

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

const kept = await openSnapshotRegistry({
  path,
  // By hand only.
  changeDelayMs: Number.POSITIVE_INFINITY,
  onLoad: (report) =>
    say({ event: "loaded", status: report.status, ...describeSnapshotLoad(report) }),
  onSave: ({ status, error }) =>
    say({ event: "saved", generation, status, message: error?.message }),
});
const [known] = kept.registry.list("cluster-0");
let generation = known === undefined ? 0 : Buffer.from(known.data).readUInt32BE();

for (let save = 0; save < Number(saves); save++) {
  generation++;
  const data = Buffer.alloc(DATA_BYTES);
  data.writeUInt32BE(generation);
  for (let c = 0; c < Number(clusters); c++) {
    for (let a = 0; a < Number(affiliates); a++) {
      const ids = { clusterId: `cluster-${c}`, affiliateId: `affiliate-${c}-${a}` };
      kept.registry.update({ ...ids, data, endpoints: [data.subarray(0, 16)], ttlMs: 1_800_000 });
    }
  }
  say({ event: "saving", generation });
  await kept.save().catch(() => {});
}
say({ event: "serving", ...kept.registry.totals(), health: kept.registry.health().ok });
process.exit(0);
