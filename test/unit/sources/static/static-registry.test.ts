import { expect, test } from "vitest";
import { StaticRegistry } from "../../../../src/sources/static/static-registry.ts";

test("runs once at a time, and goes on where a second run is refused", async () => {
  const registry = new StaticRegistry({ affiliates: [] });
  const first = new AbortController();
  const running = registry.run({ signal: first.signal });
  await expect(registry.run({ signal: AbortSignal.abort() })).rejects.toThrow(
    new TypeError("run: this registry is running already"),
  );
  expect(registry.status.phase).toBe("connected");
  first.abort();
  await running;
  expect(registry.status.phase).toBe("stopped");
});
