/** `export hosts` read by a name server that answers from hosts files. */
import { Resolver } from "node:dns/promises";
import { readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unusedPort } from "../harness/net/unused-port.ts";
import { createExportDesk, createHostileDesk, type ExportDesk } from "./exporting.ts";

/** Starts dnsmasq over a hosts file. */
async function startNameServer(desk: ExportDesk, path: string) {
  const port = await unusedPort();
  const log = join(desk.folder, "dnsmasq.log");
  desk.start(
    "dnsmasq",
    ...["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file"],
    ...["--user=", "--group=", "--listen-address=127.0.0.1", "--bind-interfaces"],
    ...[`--port=${port}`, `--addn-hosts=${path}`, `--log-facility=${log}`],
  );
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return {
    resolver,
    resolve: (name: string) => resolver.resolve4(name).catch(() => "nothing"),
    log: () => readFile(log, "utf8").catch(() => ""),
  };
}

test("dnsmasq answers for every member from a hosts file that has more in it", async () => {
  const desk = await createExportDesk();
  const path = join(desk.folder, "hosts");
  await writeFile(path, "10.9.9.9 ours\n");
  await desk.export("hosts", "--out", path);
  await desk.export("hosts", "--family", "4", "--domain", "example.com", "--out", path);
  expect((await readFile(path, "utf8")).split("\n")).toHaveLength(6);

  const { resolver, resolve } = await startNameServer(desk, path);
  await expect.poll(() => resolve("ours")).toStrictEqual(["10.9.9.9"]);
  expect(await resolve("cp-1")).toStrictEqual(["10.5.0.2"]);
  expect(await resolve("cp-1.example.com")).toStrictEqual(["10.5.0.2"]);
  expect(await resolve("worker-1")).toStrictEqual(["10.5.0.3"]);
  expect(await resolver.reverse("10.5.0.2")).toStrictEqual(["cp-1.example.com"]);
  expect(await resolve("odd-1")).toBe("nothing");
});

test("dnsmasq reads every line of what hostile members publish, and answers for no other site", async () => {
  const desk = await createHostileDesk();
  const path = join(desk.folder, "hosts");
  await desk.export("hosts", "--out", path);
  const lines = (await readFile(path, "utf8")).trim().split("\n").slice(1, -1);
  const names = lines.flatMap((line) => line.split("\t")[1]?.split(" ") ?? []);
  expect(names.length).toBeGreaterThan(100);

  const { resolve, log } = await startNameServer(desk, path);
  await expect.poll(log).toContain(`read ${path} - ${names.length} names`);
  expect(await log()).not.toMatch(/bad name|bad address|failed/);
  expect(await resolve("member-1")).toStrictEqual(["10.66.0.3"]);
  expect(await resolve("github")).toHaveLength(1);
  const stolen = ["github.com", "registry.k8s.io", "metadata.google.internal", "wpad", "isatap"];
  stolen.push("kubernetes.default.svc", "wpad.example.com", "evil.localhost", "bank", hostname());
  for (const name of stolen) expect([name, await resolve(name)]).toEqual([name, "nothing"]);
});
