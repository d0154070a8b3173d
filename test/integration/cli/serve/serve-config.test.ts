import { expect, test } from "vitest";
import { parse } from "yaml";
import { createTestFolder } from "../../../harness/cli/test-folder.ts";
import {
  type RunCommandOptions,
  runCommand,
  startCommand,
} from "../../../harness/cli/test-terminal.ts";

/** What `serve --print-config` prints. */
async function printed(argv: readonly string[], options?: RunCommandOptions): Promise<string> {
  const result = await runCommand(["serve", ...argv, "--print-config"], options);
  expect(result.stderr).toBe("");
  expect(result.exitCode).toBe(0);
  return result.stdout;
}

test("a flag goes before the environment, the environment before the file, the file before the default", async () => {
  await using folder = await createTestFolder();
  const file = await folder.file(
    "serve.yaml",
    'addr: ":1"\nredirect-endpoint: file.example:1\nshutdown-timeout: 1s\ntrusted-proxies:\n  - 10.0.0.0/8\n',
  );
  const env = {
    TALOS_DISCOVERY_CONFIG: file,
    TALOS_DISCOVERY_ADDR: ":2",
    TALOS_DISCOVERY_REDIRECT_ENDPOINT: "environment.example:2",
  };
  const config = await printed(["-addr=:3"], { env });
  expect(config).toContain("addr: :3 # flag --addr\n");
  expect(config).toContain(
    "redirect-endpoint: environment.example:2 # variable TALOS_DISCOVERY_REDIRECT_ENDPOINT\n",
  );
  expect(config).toContain(`shutdown-timeout: 1s # ${file}:3:19\n`);
  expect(config).toContain(`trusted-proxies: [ 10.0.0.0/8 ] # ${file}:5:3\n`);
  expect(config).toContain("log-format: text # default\n");
  expect(config).toContain("# certificate-path: is not set\n");
});

test("what is printed is a configuration file with the same effect", async () => {
  await using folder = await createTestFolder();
  const first = await printed(["-debug", "-trusted-proxies=::1/128,10.0.0.0/8", "-addr=:3"]);
  const file = await folder.file("serve.yaml", first);
  const second = await printed(["--config", file]);
  expect(parse(second)).toStrictEqual(parse(first));
  expect(parse(first)).toMatchObject({
    addr: ":3",
    debug: true,
    "trusted-proxies": ["::1/128", "10.0.0.0/8"],
  });
});

test("what follows from the machine is told as comments, so that the file suits another one", async () => {
  const computed = await printed([]);
  expect(computed).toMatch(/^# max-memory: \d+ # computed: \S.*$/m);
  expect(computed).toMatch(/^# max-unsent-bytes: \d+ # computed: an eighth of max-memory$/m);
  expect(computed).toContain(
    "\n# client-upload-bytes-per-second: 1474560 # computed: from rate-limit\n",
  );
  expect(computed).toMatch(/^# computed: \d+ affiliates of the largest size$/m);
  const set = await printed(["--max-memory=64Mi"]);
  expect(set).toContain("max-memory: 64Mi # flag --max-memory\n");
  expect(set).toContain(`# max-unsent-bytes: ${8 * 2 ** 20} # computed: `);
  expect(set).toContain("\n# computed: 8862 affiliates of the largest size\n");
});

test("a size may be a number in the file", async () => {
  await using folder = await createTestFolder();
  const file = await folder.file("serve.yaml", "max-memory: 67108864\nmax-header-bytes: 8192\n");
  const config = await printed(["--config", file]);
  expect(parse(config)).toMatchObject({ "max-memory": 67_108_864, "max-header-bytes": 8192 });
});

test("a switch that is off on the command line is off, whatever the environment and the file say", async () => {
  await using folder = await createTestFolder();
  const file = await folder.file("serve.yaml", "debug: true\n");
  const env = { TALOS_DISCOVERY_DEBUG: "true" };
  expect(await printed(["--config", file])).toContain("debug: true #");
  expect(await printed(["--config", file, "-debug=false"], { env })).toContain(
    "debug: false # flag --debug\n",
  );
});

test("a wrong value in the file is named by its place", async () => {
  await using folder = await createTestFolder();
  const file = await folder.file("serve.yaml", "\nlog-format: xml\n");
  expect(await runCommand(["serve", "--config", file])).toStrictEqual({
    exitCode: 2,
    stdout: "",
    stderr: `talos-discovery: ${file}:2:13: log-format: "xml" is none of text, json\n`,
  });
});

test("the file cannot name itself, nor ask to be printed", async () => {
  await using folder = await createTestFolder();
  for (const key of ["config", "print-config", "gc-interval", "help"]) {
    const file = await folder.file(`${key}.yaml`, `${key}: x\n`);
    const { exitCode, stderr } = await runCommand(["serve", "--config", file]);
    expect(stderr).toBe(`talos-discovery: ${file}:1:1: unknown key "${key}"\n`);
    expect(exitCode).toBe(2);
  }
});

test("the flag of the reference that means nothing here is told of, and the service runs", async () => {
  const server = startCommand(["serve", "-addr=127.0.0.1:0", "-gc-interval", "1m0s"]);
  await server.printed(/^talos-discovery: --gc-interval has no effect: [^\n]+\n/m);
  await server.printed(/^listening on /m);
  server.interrupt();
  expect(await server.exitCode).toBe(0);
});
