import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/interop/**/*.test.ts"],
    globalSetup: ["test/harness/processes/setup.ts"],
    // Tests wait for the Go client's backoff most of the time, each with processes of its own.
    sequence: { concurrent: true },
    maxConcurrency: 6,
    maxWorkers: 2,
    testTimeout: 90_000,
  },
});
