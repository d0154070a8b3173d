/**
 * Runs h2spec, the conformance tests for HTTP/2, against the service's port and against a `node:http2` server that does
 * nothing. Ends non-zero where ours fails a test that is not listed, one that is listed passes, or ours fails more.
 *
 *     node test/h2spec/run.ts
 *
 * Needs Go, and for the first build a Go module proxy.
 * @module
 */
import { once } from "node:events";
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { serve } from "../../src/node/index.ts";
import { KNOWN_FAILURES } from "./known-failures.ts";
import { buildH2spec, runH2spec, type SpecResult } from "./tool.ts";

async function startEmptyServer(): Promise<Http2Server> {
  // h2spec needs an answer with a body to try flow control with.
  const server = createServer((_request, response) => response.end("empty"));
  server.on("sessionError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function named(results: readonly SpecResult[], outcome: SpecResult["outcome"]): string[] {
  return results.filter((result) => result.outcome === outcome).map(({ name }) => name);
}

function summary(results: readonly SpecResult[]): string {
  const counts = (["passed", "skipped", "failed"] as const).map(
    (outcome) => `${named(results, outcome).length} ${outcome}`,
  );
  return `${results.length} tests: ${counts.join(", ")}`;
}

/** Times that a surprise is looked at again. */
const SECOND_LOOKS = 3;

/**
 * All tests of h2spec. It judges by the clock, and by whether its next frame is faster than the answer to the last: on a busy
 * machine any server fails it here and there. What differs from the list is therefore run again, alone and with patience, and
 * counts where it differs each time. The empty server gets the same grace.
 */
async function judge(h2spec: string, port: number): Promise<readonly SpecResult[]> {
  const results = [...(await runH2spec(h2spec, port))];
  for (const [index, result] of results.entries()) {
    const wanted = KNOWN_FAILURES.has(result.name);
    const isSurprise = (outcome: SpecResult["outcome"]) => (outcome === "failed") !== wanted;
    for (let look = 0; look < SECOND_LOOKS && isSurprise(result.outcome); look++) {
      const again = (await runH2spec(h2spec, port, result.id)).find(
        ({ outcome }) => !isSurprise(outcome),
      );
      if (again === undefined) continue;
      process.stderr.write(`h2spec: on second look: ${result.name}: ${again.outcome}\n`);
      results[index] = { ...result, outcome: again.outcome };
      break;
    }
  }
  return results;
}

const h2spec = await buildH2spec();
const empty = await startEmptyServer();
const ours = await serve({ host: "127.0.0.1", port: 0 });

// One after the other: the tests of h2spec wait for what may never come, and machines are slow.
const ofEmpty = await judge(h2spec, (empty.address() as AddressInfo).port);
const ofOurs = await judge(h2spec, ours.port);
empty.close();
await ours.close();

const failed = named(ofOurs, "failed");
const failedByEmpty = new Set(named(ofEmpty, "failed"));
const problems: string[] = [];
for (const name of failed) {
  if (!KNOWN_FAILURES.has(name)) problems.push(`fails, and is not listed: ${name}`);
}
for (const name of KNOWN_FAILURES.keys()) {
  if (!failed.includes(name)) problems.push(`is listed, and does not fail: ${name}`);
}
if (failed.length > failedByEmpty.size) {
  problems.push(`${failed.length} failures, and ${failedByEmpty.size} of an empty server`);
}
if (ofOurs.length !== ofEmpty.length) problems.push("not all tests were run");

process.stdout.write(`an empty node:http2 server: ${summary(ofEmpty)}\n`);
process.stdout.write(`ours:                       ${summary(ofOurs)}\n`);
for (const name of failed) {
  const also = failedByEmpty.has(name) ? "" : " (the empty server passes)";
  process.stdout.write(`  ${name}${also}\n    ${KNOWN_FAILURES.get(name) ?? "not listed"}\n`);
}
for (const problem of problems) process.stderr.write(`h2spec: ${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
