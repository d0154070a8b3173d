/**
 * The h2spec program: built once into the ignored `.cache/h2spec`, run, and its report read.
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { buildGoProgram } from "../harness/go/go-build.ts";

const GO_MODULE = resolve(import.meta.dirname, "go");
const PACKAGE = "github.com/summerwind/h2spec/cmd/h2spec";
const RUN_LIMIT_MS = 300_000;

/** How long h2spec waits for an answer, in seconds: what is missing costs this. */
const ANSWER_LIMIT_S = 3;

/** The same for one test alone. */
const PATIENT_ANSWER_LIMIT_S = 15;

const run = promisify(execFile);

/** One test of h2spec: `http2/5.1: closed: Sends a DATA frame`. */
export interface SpecResult {
  readonly name: string;
  /** By which h2spec runs it alone: `http2/5.1/11`. */
  readonly id: string;
  readonly outcome: "passed" | "failed" | "skipped";
}

/** Builds it if it is missing. Resolves with its path. */
export function buildH2spec(): Promise<string> {
  return buildGoProgram({
    name: "h2spec",
    module: GO_MODULE,
    packageName: PACKAGE,
    cache: "h2spec",
  });
}

/** Runs h2spec against a plaintext port: all of its tests, or one with more patience. */
export async function runH2spec(
  h2spec: string,
  port: number,
  only?: string,
): Promise<readonly SpecResult[]> {
  const folder = await mkdtemp(join(tmpdir(), "talos-discovery-h2spec-"));
  const report = join(folder, "report.xml");
  try {
    const limit = only === undefined ? ANSWER_LIMIT_S : PATIENT_ANSWER_LIMIT_S;
    const args = ["-p", String(port), "-o", String(limit), "-j", report];
    if (only !== undefined) args.push(only);
    // It fails where one of its tests does, which is judged here.
    const { output } = await run(h2spec, args, { timeout: RUN_LIMIT_MS }).then(
      ({ stdout }) => ({ output: stdout }),
      (error: { stdout?: string; message: string }) => ({
        output: `${error.stdout ?? ""}\n${error.message}`,
      }),
    );
    // Where the port does not answer at all, it ends without a report.
    if (!existsSync(report)) throw new Error(`h2spec ended without a report:\n${output}`);
    return parseReport(await readFile(report, "utf8"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function parseReport(xml: string): readonly SpecResult[] {
  const cases = xml.matchAll(
    /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  );
  const counts = new Map<string, number>();
  return Array.from(cases, ([, section = "", title = "", content = ""]) => ({
    name: `${section}: ${unescapeXml(title)}`,
    id: `${section}/${next(counts, section)}`,
    outcome: /<(?:failure|error)/.test(content)
      ? "failed"
      : content.includes("<skipped")
        ? "skipped"
        : "passed",
  }));
}

function next(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

function unescapeXml(text: string): string {
  return text
    .replaceAll("&#34;", '"')
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
