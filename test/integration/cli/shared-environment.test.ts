import { describe, expect, onTestFinished, test } from "vitest";
import { createTestFolder } from "../../harness/cli/test-folder.ts";
import { runCommand } from "../../harness/cli/test-terminal.ts";

const NODE_ID = "sou7yy34ykX3n373Zw1DXKb8zD7UnyKT6HT3QDsGH6L";

/** Variables with which every command knows a cluster of one worker. */
async function clusterOfOneWorker(): Promise<Record<string, string>> {
  const folder = await createTestFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const worker = { nodename: "w-1", machineType: "worker", addresses: ["10.0.0.1"] };
  const members = [{ nodeId: NODE_ID, ...worker }];
  return { TALOS_DISCOVERY_STATIC: await folder.file("members.json", JSON.stringify(members)) };
}

describe("in one environment for all commands", () => {
  test("what Kubernetes says of a Service talos-discovery is no port of targets", async () => {
    const env = {
      ...(await clusterOfOneWorker()),
      TALOS_DISCOVERY_SERVICE_HOST: "10.96.1.2",
      TALOS_DISCOVERY_SERVICE_PORT: "3000",
      TALOS_DISCOVERY_PORT: "tcp://10.96.1.2:3000",
      TALOS_DISCOVERY_PORT_3000_TCP: "tcp://10.96.1.2:3000",
    };
    const { exitCode, stdout, stderr } = await runCommand(["export", "prometheus"], { env });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain('"10.0.0.1:9100"');
  });

  test("the type with which a machine joins filters no export", async () => {
    const env = { ...(await clusterOfOneWorker()), TALOS_DISCOVERY_TYPE: "controlplane" };
    expect((await runCommand(["export", "hosts"], { env })).stdout).toContain("10.0.0.1\tw-1");
    const filtered = { ...env, TALOS_DISCOVERY_EXPORT_TYPE: "controlplane" };
    expect(await runCommand(["export", "hosts"], { env: filtered })).toMatchObject({
      stdout: expect.not.stringContaining("w-1"),
      stderr: "talos-discovery: no member is left by the filters\n",
    });
  });

  test("each format of export has its own port and form", async () => {
    const env = {
      ...(await clusterOfOneWorker()),
      TALOS_DISCOVERY_EXPORT_PROMETHEUS_PORT: "10250",
      TALOS_DISCOVERY_EXPORT_ANSIBLE_PORT: "2222",
      TALOS_DISCOVERY_EXPORT_ANSIBLE_FORM: "file",
      TALOS_DISCOVERY_EXPORT_WIREGUARD_FORM: "syncconf",
      // Where the service is, as somebody may call it.
      TALOS_DISCOVERY_HOST: "discovery.example",
    };
    expect((await runCommand(["export", "prometheus"], { env })).stdout).toContain(":10250");
    const ansible = JSON.parse((await runCommand(["export", "ansible"], { env })).stdout);
    expect(ansible.all.children.worker.hosts["w-1"].ansible_port).toBe(2222);
  });

  test("a format that a command does not have leaves it at its default", async () => {
    const env = { TALOS_DISCOVERY_OUTPUT: "wide" };
    expect((await runCommand(["cluster", "new"], { env })).stdout).toMatch(/^apiVersion: /);
    expect((await runCommand(["identity", "new"], { env })).stdout).toMatch(/^NODE ID /);
    const wrong = await runCommand(["identity", "new"], { env: { TALOS_DISCOVERY_OUTPUT: "xml" } });
    expect(wrong).toMatchObject({
      exitCode: 2,
      stderr: 'talos-discovery: TALOS_DISCOVERY_OUTPUT: "xml" is none of table, json, yaml\n',
    });
  });

  test("a configuration that is another command's is refused with the variable that names it", async () => {
    const folder = await createTestFolder();
    onTestFinished(() => folder[Symbol.asyncDispose]());
    const talos = await folder.file("talos.yaml", "apiVersion: v1alpha1\nkind: X\n");
    const serve = await folder.file("serve.yaml", 'addr: ":3000"\n');
    const complaint = async (command: string[], path: string) => {
      const env = { TALOS_DISCOVERY_CONFIG: path };
      const { exitCode, stderr } = await runCommand(command, { env });
      expect(exitCode).toBe(2);
      return stderr;
    };
    expect(await complaint(["serve"], talos)).toBe(
      `talos-discovery: TALOS_DISCOVERY_CONFIG: ${talos}:1:1: unknown key "apiVersion"\n`,
    );
    expect(await complaint(["get", "members"], serve)).toBe(
      `talos-discovery: TALOS_DISCOVERY_CONFIG: ${serve} has no cluster secret, and --cluster-secret-file is missing ` +
        "(or TALOS_DISCOVERY_CLUSTER_SECRET)\n",
    );
  });
});
