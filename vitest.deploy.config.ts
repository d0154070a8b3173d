import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/deploy/**/*.test.ts"],
    // Go programs are built once, one after the other: each takes the whole machine.
    globalSetup: ["test/deploy/harness/setup.ts"],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
