import { availableParallelism } from "node:os";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

/** More than two cores need: half of its time a test waits for a timer, a socket or a process. */
const MANY_WORKERS = Math.max(3, availableParallelism());

/** For suites that start services, Go programs and API servers beside each test file. */
const FEW_WORKERS = 2;

/** Timeouts only end tests that hang, also on slow machines: no test measures time by them. */
const TIMEOUTS = {
  testTimeout: 30_000,
  hookTimeout: 30_000,
  expect: { poll: { timeout: 15_000 } },
} as const;

type TestOptions = NonNullable<TestProjectInlineConfiguration["test"]>;

/** Suite by folder of test/. Run one with `vitest run --project NAME`. */
const SUITES: Readonly<Record<string, TestOptions>> = {
  unit: {
    // What the suite of the runtimes says about gaps is checked without a runtime.
    include: ["test/unit/**/*.test.ts", "test/runtimes/*.test.ts"],
    maxWorkers: MANY_WORKERS,
    ...TIMEOUTS,
  },
  integration: { maxWorkers: MANY_WORKERS, ...TIMEOUTS },
  compliance: { maxWorkers: MANY_WORKERS, ...TIMEOUTS },
  dist: {
    // The packed package, installed once.
    globalSetup: ["test/dist/setup.ts"],
    maxWorkers: MANY_WORKERS,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
  deploy: {
    // Go programs are built once, one after the other: each takes the whole machine.
    globalSetup: ["test/deploy/harness/setup.ts"],
    maxWorkers: FEW_WORKERS,
    testTimeout: 60_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
  },
  kubernetes: {
    // The API server is built once: it takes the whole machine.
    globalSetup: ["test/harness/kubernetes/setup.ts"],
    maxWorkers: FEW_WORKERS,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000, interval: 50 } },
  },
  export: {
    maxWorkers: FEW_WORKERS,
    testTimeout: 60_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 30_000 } },
  },
  interop: {
    globalSetup: ["test/harness/processes/setup.ts"],
    // Tests wait for the Go client's backoff most of the time, each with processes of its own.
    sequence: { concurrent: true },
    maxConcurrency: 6,
    maxWorkers: FEW_WORKERS,
    testTimeout: 90_000,
  },
  "end-to-end": {
    // Go programs and the API server are built once.
    globalSetup: ["test/harness/processes/setup.ts", "test/harness/kubernetes/setup.ts"],
    maxWorkers: FEW_WORKERS,
    testTimeout: 240_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000, interval: 100 } },
  },
  faults: {
    globalSetup: ["test/harness/processes/setup.ts"],
    // One after the other: each scenario loads the machine, and looks at memory.
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
  },
  abuse: {
    // One after the other: each row loads the machine, and looks at times and memory.
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
  },
};

/** Suites with the same number of workers may share them; all others run one after the other. */
function groupOrder({ maxWorkers }: TestOptions): number {
  return maxWorkers === MANY_WORKERS ? 0 : maxWorkers === FEW_WORKERS ? 1 : 2;
}

export default defineConfig({
  test: {
    projects: Object.entries(SUITES).map(([name, options]) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        ...options,
        sequence: { ...options.sequence, groupOrder: groupOrder(options) },
      },
    })),
  },
});
