import { expect, test } from "vitest";
import { createLog } from "../../../../src/cli/serve/log.ts";
import {
  computedConfig,
  describeMemorySource,
  logMemory,
  memoryCeilings,
} from "../../../../src/cli/serve/memory-ceilings.ts";
import type { ServeSettings } from "../../../../src/cli/serve/serve-settings.ts";

const MI = 2 ** 20;
const CONTAINER = { constrained: 512 * MI, heapLimit: 260 * MI };

function settings(maxBytes: number, fields: Partial<ServeSettings> = {}): ServeSettings {
  return {
    serve: { unsent: { total: maxBytes / 8 } },
    limits: {},
    memory: { maxBytes, isComputed: true, machine: CONTAINER },
    ...fields,
  } as ServeSettings;
}

function logged(given: ServeSettings): Record<string, unknown>[] {
  const lines: string[] = [];
  const output = { isTerminal: false, write: (text: string) => lines.push(text) };
  logMemory(createLog(output, { format: "json" }), given);
  return lines.map((line) => JSON.parse(line));
}

test("a pod of 512Mi holds 3,000 nodes that watch, or 35,000 of the largest affiliates", () => {
  const ceilings = memoryCeilings(settings(256 * MI));
  expect(ceilings).toEqual({
    largestAffiliates: 35_725,
    typicalAffiliates: 183_567,
    connections: 3195,
    watches: 7456,
    nodes: 3195,
  });
});

test("no ceiling is over what the flags allow", () => {
  const limits = { maxAffiliates: 1000 };
  const serve = { ceilings: { maxWatches: 50 }, connections: { maxConnections: 60 } };
  expect(memoryCeilings(settings(256 * MI, { limits, serve }))).toEqual({
    largestAffiliates: 1000,
    typicalAffiliates: 1000,
    connections: 60,
    watches: 50,
    nodes: 50,
  });
});

test("the source is the wall that counts, or the flag", () => {
  const source = (constrained: number, isComputed = true) =>
    describeMemorySource({
      maxBytes: 256 * MI,
      isComputed,
      machine: { constrained, heapLimit: 260 * MI },
    });
  expect(source(512 * MI)).toBe("half of the memory limit of 512Mi");
  expect(source(1024 * MI)).toBe("the size of V8's heap limit");
  expect(source(0)).toBe("the size of V8's heap limit");
  expect(source(512 * MI, false)).toBe("as set");
});

test("the start logs what fits", () => {
  expect(logged(settings(256 * MI))).toMatchObject([
    {
      level: "info",
      msg: "memory",
      max_bytes: 256 * MI,
      source: "half of the memory limit of 512Mi",
      max_unsent_bytes: 32 * MI,
      largest_affiliates: 35_725,
      typical_affiliates: 183_567,
      connections: 3195,
      watches: 7456,
      nodes: 3195,
    },
  ]);
});

test("a limit that the process cannot reach is warned of", () => {
  const memory = { maxBytes: 600 * MI, isComputed: false, machine: CONTAINER };
  expect(logged(settings(600 * MI, { memory }))).toMatchObject([
    { msg: "memory" },
    { level: "warn", max_bytes: 600 * MI, available_bytes: 512 * MI },
  ]);
});

test("the configuration that is printed has the same figures", () => {
  const { values, notes } = computedConfig(settings(256 * MI));
  expect(values.get("max-memory")).toBe("268435456 # computed: half of the memory limit of 512Mi");
  expect(values.get("max-unsent-bytes")).toBe("33554432 # computed: an eighth of max-memory");
  expect(values.get("client-upload-bytes-per-second")).toBe("0 # computed: from rate-limit");
  expect(notes).toContain("computed: 3195 nodes, with a connection and a watch each");
  expect(notes).toContain("computed: 35725 affiliates of the largest size");
});
