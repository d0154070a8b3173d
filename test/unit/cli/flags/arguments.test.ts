import { Command } from "commander";
import { expect, test } from "vitest";
import { rewriteGoFlags } from "../../../../src/cli/flags/arguments.ts";
import { flag, switchFlag } from "../../../../src/cli/flags/flags.ts";

const command = new Command("serve")
  .addOption(flag("--addr <host:port>", "where to listen"))
  .addOption(switchFlag("--debug", "log every call", false))
  .addOption(flag("-o, --output <format>", "format"));

test.each([
  [["-addr=:3000"], ["--addr=:3000"]],
  [
    ["-addr", ":3000"],
    ["--addr", ":3000"],
  ],
  [["--addr=a=b"], ["--addr=a=b"]],
  [["-debug"], ["--debug=true"]],
  [["-debug=true"], ["--debug=true"]],
  [["--debug=1"], ["--debug=1"]],
  [["-debug=false"], ["--debug=false"]],
  [["-debug=maybe"], ["--debug=maybe"]],
  [
    ["-o", "json"],
    ["-o", "json"],
  ],
  [["-unknown=1"], ["-unknown=1"]],
  [
    ["--", "-debug=false"],
    ["--", "-debug=false"],
  ],
])("%j is read as %j", (argv, rewritten) => {
  expect(rewriteGoFlags(argv, command)).toStrictEqual(rewritten);
});
