import { MemoryRegistry } from "../../src/registry/memory-registry.ts";
import { createManualClock } from "../harness/registry/manual-clock.ts";
import { registrySuite } from "./registry-suite.ts";

registrySuite("MemoryRegistry", async ({ limits } = {}) => {
  const clock = createManualClock();
  const registry = new MemoryRegistry({ limits, now: clock.now, schedule: clock.schedule });
  return { registry, passTime: clock.advance };
});
