import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** More than two cores need: half of its time a test waits for a timer, a socket or a process. */
const MIN_WORKERS = 3;

/** Guards against hangs, for slow machines: no test measures time by them. */
const PATIENCE = {
  testTimeout: 30_000,
  hookTimeout: 30_000,
  expect: { poll: { timeout: 15_000 } },
} as const;

export default defineConfig({
  test: {
    maxWorkers: Math.max(MIN_WORKERS, availableParallelism()),
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/runtimes/*.test.ts"],
          ...PATIENCE,
        },
      },
      { test: { name: "integration", include: ["test/integration/**/*.test.ts"], ...PATIENCE } },
      { test: { name: "compliance", include: ["test/compliance/**/*.test.ts"], ...PATIENCE } },
      // The packed package, installed: see test/dist/setup.ts.
      {
        test: {
          name: "dist",
          include: ["test/dist/**/*.test.ts"],
          globalSetup: ["test/dist/setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
