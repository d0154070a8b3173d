/** Command lines of the reference, taken by ours. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import { parse } from "yaml";
import { OUR_CLI } from "../harness/paths.ts";

const run = promisify(execFile);

interface GoFlag {
  readonly name: string;
  /** `string`, `duration`; empty for a boolean. */
  readonly kind: string;
  readonly defaultText: string | undefined;
}

/** Has no meaning here: what expires is gone at once. */
const WITHOUT_EFFECT = "gc-interval";

/** As `-help` of Go's `flag` package prints them: two lines each. */
async function flagsOfReference(): Promise<GoFlag[]> {
  const { stderr } = await run(inject("binaries").service, ["-help"]).catch((error) => error);
  const flags = [...String(stderr).matchAll(/^ {2}-([a-z-]+) ?(\w*)\n(?:\s+)(.*)$/gm)];
  return flags.map(([, name = "", kind = "", text = ""]) => ({
    name,
    kind,
    defaultText: /\(default "?(.*?)"?\)$/.exec(text)?.[1],
  }));
}

async function settings(...args: string[]): Promise<Record<string, unknown>> {
  const command = [OUR_CLI, "serve", ...args, "--print-config"];
  return parse((await run(process.execPath, command, { env: {} })).stdout);
}

/** Go writes `10m0s` where we write `10m`. */
function comparable(value: unknown): string {
  return String(value).replace(/(?<=\d+[hm])0[ms](?:0s)?$/, "");
}

test("every flag of the reference is one of ours, with the same default", async () => {
  const flags = await flagsOfReference();
  expect(flags.map(({ name }) => name)).toContain("snapshots-enabled");
  const ours = await settings();
  for (const { name, kind, defaultText } of flags) {
    if (name === WITHOUT_EFFECT) continue;
    const expected = defaultText ?? (kind === "" ? "false" : "undefined");
    expect(`${name}: ${comparable(ours[name])}`).toBe(`${name}: ${comparable(expected)}`);
  }
});

test("a command line with every flag of the reference is taken, with one dash and with two", async () => {
  const given: Readonly<Record<string, string>> = {
    addr: ":3999",
    "certificate-path": "tls.crt",
    debug: "true",
    "gc-interval": "1m0s",
    "key-path": "tls.key",
    "landing-addr": "",
    "metrics-addr": "127.0.0.1:2999",
    "redirect-endpoint": "example.com:443",
    "snapshot-interval": "1h30m0s",
    "snapshot-path": "/tmp/state.binpb",
    "snapshots-enabled": "false",
    "trust-first-x-forwarded-for": "F",
    "trust-x-real-ip": "0",
  };
  const names = (await flagsOfReference()).map(({ name }) => name);
  expect(Object.keys(given).sort()).toEqual(names.sort());
  const { [WITHOUT_EFFECT]: _interval, ...kept } = given;
  for (const dash of ["-", "--"]) {
    const ours = await settings(...names.map((name) => `${dash}${name}=${given[name]}`));
    expect(ours).toMatchObject({
      ...kept,
      debug: true,
      "snapshots-enabled": false,
      "trust-first-x-forwarded-for": false,
      "trust-x-real-ip": false,
    });
  }
});
