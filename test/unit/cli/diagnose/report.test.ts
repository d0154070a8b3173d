import { describe, expect, test } from "vitest";
import type { CheckReport } from "../../../../src/cli/diagnose/check.ts";
import { ReportLines } from "../../../../src/cli/diagnose/report.ts";
import { chooseStyle, PLAIN } from "../../../../src/cli/output/style.ts";

const URL = "http://127.0.0.1:3000";
const SERVICE = { name: "primary", url: URL, host: "127.0.0.1:3000" };

const OK: CheckReport = { name: "dns", status: "ok", summary: "10.0.0.1", durationMs: 12.3 };
const FAILED: CheckReport = {
  name: "tcp",
  status: "failed",
  summary: "10.0.0.1 (refused), port 3000",
  hint: "Nothing listens on port 3000: is the service running, and is it the right port?",
  durationMs: 0.4,
};
const SKIPPED: readonly CheckReport[] = (["tls", "http2", "hello"] as const).map((name) => ({
  name,
  status: "skipped",
  summary: "not reached: tcp failed",
  durationMs: 0,
  blockedBy: "tcp",
}));

function print(lines: ReportLines, checks: readonly CheckReport[]): string {
  return (
    lines.service(SERVICE) + checks.map((check) => lines.check(check, URL)).join("") + lines.flush()
  );
}

describe("lines", () => {
  test("are one per check, with what to do under it, and what is not reached together", () => {
    expect(print(new ReportLines(PLAIN), [OK, FAILED, ...SKIPPED])).toBe(
      [
        `primary  ${URL}`,
        "  ok       dns             10.0.0.1 (12 ms)",
        "  failed   tcp             10.0.0.1 (refused), port 3000",
        "                           → Nothing listens on port 3000: is the service running, and is it the right port?",
        "  skipped  3 checks        not reached: tcp failed (tls, http2, hello)",
        "",
      ].join("\n"),
    );
  });

  test("begin with a service's name and URL, and with the URL alone where it has no other name", () => {
    const lines = new ReportLines(PLAIN);
    expect(lines.service(SERVICE)).toBe(`primary  ${URL}\n`);
    expect(lines.service({ ...SERVICE, name: SERVICE.host })).toBe(`\n${URL}\n`);
    expect(lines.service({ ...SERVICE, name: URL })).toBe(`\n${URL}\n`);
  });

  test("wrap under their text, within the terminal", () => {
    const text = print(new ReportLines(PLAIN, 60), [OK, FAILED, ...SKIPPED]);
    for (const line of text.split("\n")) expect(line.length).toBeLessThan(60);
    expect(text).toContain(
      [
        "                           → Nothing listens on port 3000:",
        "                           is the service running, and is",
        "                           it the right port?",
      ].join("\n"),
    );
  });

  test("have colours on a terminal that change no text", () => {
    const style = chooseStyle({ isTerminal: true }, {});
    const coloured = print(new ReportLines(style, 60), [OK, FAILED, ...SKIPPED]);
    expect(coloured).toContain("\u001b[31mfailed");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    const plain = coloured.replaceAll(/\u001b\[\d+m/g, "");
    expect(plain).toBe(print(new ReportLines(PLAIN, 60), [OK, FAILED, ...SKIPPED]));
  });

  test("begin anew where a service redirects", () => {
    const lines = new ReportLines(PLAIN);
    lines.service(SERVICE);
    lines.check(OK, URL);
    expect(lines.check(OK, "http://10.0.0.2:3000")).toMatch(
      /^ {2}redirect 1: http:\/\/10\.0\.0\.2:3000\n {2}ok /,
    );
  });

  test("show nothing that moves the cursor", () => {
    const hostile = { ...FAILED, summary: "a\u001b[2Jb", hint: "c\u0007d" };
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
    expect(print(new ReportLines(PLAIN), [hostile])).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});
