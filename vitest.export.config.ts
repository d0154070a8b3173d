import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/export/**/*.test.ts"],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
