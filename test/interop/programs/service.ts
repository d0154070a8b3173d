/**
 * Our service as a process of its own: reads its options as one JSON line, writes its address, and ends on SIGTERM.
 * @module
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { serve } from "../../../src/node/index.ts";

/** What `harness/services.ts` sends. */
export interface ServiceConfig {
  readonly host: string;
  readonly port: number;
  readonly redirectEndpoint?: string | undefined;
  readonly trustedProxies: readonly string[];
  readonly certificatePath?: string | undefined;
  readonly keyPath?: string | undefined;
}

const lines = createInterface({ input: process.stdin });
const [line] = (await once(lines, "line")) as [string];
lines.close();
const { certificatePath, keyPath, ...options } = JSON.parse(line) as ServiceConfig;
const tls =
  certificatePath === undefined || keyPath === undefined
    ? undefined
    : { cert: readFileSync(certificatePath), key: readFileSync(keyPath) };
const server = await serve({ ...options, tls });
process.stdout.write(`${JSON.stringify({ address: `${server.host}:${server.port}` })}\n`);
await once(process, "SIGTERM");
await server.close();
