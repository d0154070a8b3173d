/**
 * Ports for services that are killed and started again.
 * @module
 */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that Linux and others give out by themselves: a port that a killed service has left must not be taken
 * by anybody before its successor comes.
 */
const PORTS = { min: 20_000, max: 30_000 } as const;

/** A port on which nobody listens. */
export async function unusedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.min, PORTS.max);
    const server = createServer();
    // All addresses: a listener on any of them counts.
    const isFree = once(server.listen(port), "listening").then(
      () => true,
      () => false,
    );
    if (!(await isFree)) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
