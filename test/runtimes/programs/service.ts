/**
 * Serves on two free ports of loopback in Node, Deno or Bun, plaintext and TLS, prints both URLs on one line, and ends when
 * its input does.
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { serve } from "talos-discovery/node";

const FIXTURES = join(import.meta.dirname, "../../fixtures/tls");

// The page of Chromium is of another origin, on a port that is not known yet.
const plain = await serve({ host: "127.0.0.1", port: 0, corsOrigins: "*" });
const secure = await serve({
  host: "127.0.0.1",
  port: 0,
  registry: plain.registry,
  tls: {
    cert: await readFile(join(FIXTURES, "server.pem"), "utf8"),
    key: await readFile(join(FIXTURES, "server-key.pem"), "utf8"),
  },
});
process.stdout.write(`${plain.url} ${secure.url}\n`);
process.stdin.on("end", () =>
  secure
    .close()
    .then(() => plain.close())
    .then(() => process.exit(0)),
);
process.stdin.resume();
