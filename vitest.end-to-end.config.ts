import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/end-to-end/**/*.test.ts"],
    // Go programs and the API server are built once.
    globalSetup: ["test/harness/processes/setup.ts", "test/harness/kubernetes/setup.ts"],
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000, interval: 100 } },
  },
});
