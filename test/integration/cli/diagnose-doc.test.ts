/** The commands of docs/diagnose.md, each of which runs. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CHECK_NAMES } from "../../../src/cli/diagnose/check.ts";
import { createTestFolder } from "../../harness/cli/test-folder.ts";
import { runCommand } from "../../harness/cli/test-terminal.ts";
import { CLUSTER_ID, publish, SECRET, startTestService } from "./diagnose/diagnose-harness.ts";

const page = readFileSync(new URL("../../../docs/diagnose.md", import.meta.url), "utf8");

const commands = [...page.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, text = ""]) =>
  text.trim().split("\n"),
);

test("the page has commands, and explains every check in order", () => {
  expect(commands.length).toBeGreaterThan(3);
  const explained = [...page.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, name]) => name);
  expect(explained).toEqual(CHECK_NAMES);
});

test.each(commands)("%s", async (command) => {
  const { url } = await startTestService();
  await publish(url, { nodename: "worker-1", hostname: "worker-1", addresses: ["10.0.0.1"] });
  await using folder = await createTestFolder();
  const config = await folder.file(
    "cluster.yaml",
    `apiVersion: v1alpha1\nkind: DiscoveryIdentityConfig\nclusterID: ${CLUSTER_ID}\nclusterSecret: ${SECRET}\n` +
      `---\napiVersion: v1alpha1\nkind: DiscoveryServiceConfig\nname: primary\nendpoint: ${url}\n`,
  );
  const [program, ...argv] = command
    .replace("cluster.yaml", config)
    .replace("http://127.0.0.1:3000", url)
    .split(" ");
  expect(program).toBe("talos-discovery");
  const { exitCode, stdout, stderr } = await runCommand(argv);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("The service works");
});
