/**
 * A service on any free port of loopback: prints its URL, and ends with its stdin. Run by `discovery.ts`.
 * @module
 */
import { serve } from "../../src/node/index.ts";

const server = await serve({ host: "127.0.0.1", port: 0 });
console.log(server.url);
for await (const _ of process.stdin);
await server.close();
