/** `export hosts` read by a name server that answers from hosts files. */
import { Resolver } from "node:dns/promises";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unusedPort } from "../harness/net/unused-port.ts";
import { createExportDesk } from "./exporting.ts";

test("dnsmasq answers for every member from a hosts file that has more in it", async () => {
  const desk = await createExportDesk();
  const path = join(desk.folder, "hosts");
  await writeFile(path, "10.9.9.9 ours\n");
  await desk.export("hosts", "--out", path);
  await desk.export("hosts", "--family", "4", "--out", path);
  expect((await readFile(path, "utf8")).split("\n")).toHaveLength(6);

  const port = await unusedPort();
  desk.start(
    "dnsmasq",
    ...["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file"],
    ...["--user=", "--group=", "--listen-address=127.0.0.1", "--bind-interfaces"],
    ...[`--port=${port}`, `--addn-hosts=${path}`],
  );
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  const resolve = (name: string) => resolver.resolve4(name).catch(() => "nothing");
  await expect.poll(() => resolve("ours")).toStrictEqual(["10.9.9.9"]);
  expect(await resolve("cp-1")).toStrictEqual(["10.5.0.2"]);
  expect(await resolve("cp-1.example.com")).toStrictEqual(["10.5.0.2"]);
  expect(await resolve("worker-1")).toStrictEqual(["10.5.0.3"]);
  expect(await resolver.reverse("10.5.0.2")).toStrictEqual(["cp-1.example.com"]);
  expect(await resolve("odd-1")).toBe("nothing");
});
