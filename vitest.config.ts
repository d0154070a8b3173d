import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      { test: { name: "compliance", include: ["test/compliance/**/*.test.ts"] } },
      // The packed package, installed: see test/dist/package-under-test.ts.
      {
        test: {
          name: "dist",
          include: ["test/dist/**/*.test.ts"],
          globalSetup: ["test/dist/package-under-test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
