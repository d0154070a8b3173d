/**
 * Serves on a free port of loopback in Node, Deno or Bun, prints the URL, and ends when its input does.
 * @module
 */
import process from "node:process";
import { serve } from "talos-discovery/node";

const server = await serve({ host: "127.0.0.1", port: 0 });
process.stdout.write(`${server.url}\n`);
process.stdin.on("end", () => server.close().then(() => process.exit(0)));
process.stdin.resume();
