import { LoadGenerator } from "./bench/service/load-generator.ts";
import { ServerHall } from "./bench/service/servers.ts";
import { CPU_CASES } from "./bench/service/cases.ts";
import { setTimeout as delay } from "node:timers/promises";
import { readFileSync, readdirSync, rmSync, existsSync } from "node:fs";
await using hall = await ServerHall.open();
await using gen = await LoadGenerator.start();
for (const name of process.argv.slice(2)) {
  const c = CPU_CASES.find((x) => x.name === name);
  rmSync("/tmp/a2prof", { recursive: true, force: true });
  {
    await using s = await hall.start("ours", { tls: c.tls, nodeArgs: ["--cpu-prof", "--cpu-prof-dir=/tmp/a2prof"] });
    for (const p of c.prepare) await gen.run(s, p);
    await gen.run(s, { ...c.measure, count: Math.ceil(c.measure.count * 0.6) });
    await gen.run(s, { do: "close" });
    process.kill(s.pid, "SIGTERM");
    for (let i = 0; i < 200 && !(existsSync("/tmp/a2prof") && readdirSync("/tmp/a2prof").length); i++) await delay(100);
    await delay(1500);
  }
  const prof = JSON.parse(readFileSync("/tmp/a2prof/" + readdirSync("/tmp/a2prof")[0], "utf8"));
  const self = new Map<string, number>(); let total = 0;
  const byId = new Map(prof.nodes.map((n) => [n.id, n]));
  prof.samples.forEach((id, i) => { const n: any = byId.get(id); const f = n.callFrame; const k = f.functionName + " " + f.url.replace(/.*\//, "") + ":" + f.lineNumber; if (/^\((idle|program)\)/.test(f.functionName) && f.functionName === "(idle)") return; const d = prof.timeDeltas[i]; total += d; self.set(k, (self.get(k) ?? 0) + d); });
  console.log("==", name, (total / 1e3).toFixed(0), "ms busy");
  for (const [k, v] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 22)) console.log(((100 * v) / total).toFixed(1).padStart(5) + "%", k);
}
