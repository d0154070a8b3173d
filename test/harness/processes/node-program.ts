/**
 * A node with our client as a process of its own, driven like the Go one: configuration and commands are JSON lines on
 * stdin, events are JSON lines on stdout.
 * @module
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { DiscoveryClient } from "talos-discovery/client";
import { grpcTransport } from "talos-discovery/node";
import type { AffiliateData } from "talos-discovery/protocol";

interface NodeConfig {
  readonly url: string;
  readonly clusterId: string;
  readonly clusterSecret: string;
  readonly nodeId: string;
  readonly clientVersion: string;
  readonly ttlMs: number;
  readonly caFile?: string;
}

type NodeCommand =
  | {
      readonly do: "publish";
      readonly affiliate: AffiliateData;
      readonly endpoints: readonly string[];
      readonly otherEndpoints: readonly {
        readonly nodeId: string;
        readonly endpoints: readonly string[];
      }[];
    }
  | { readonly do: "withdraw" }
  | { readonly do: "stop" };

// The iterator keeps lines that come before they are asked for.
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
if (first.done) process.exit();
const { url, caFile, ...config } = JSON.parse(first.value) as NodeConfig;
const ca = caFile === undefined ? undefined : readFileSync(caFile, "utf8");
const stop = new AbortController();
const client = new DiscoveryClient({
  ...config,
  service: url,
  transport: (baseUrl, options) => grpcTransport(baseUrl, { ...options, ca }),
  log: (level, message, fields) =>
    process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`),
  onDrop: (report) => write({ event: "dropped", report }),
});

const running = client.run({ signal: stop.signal });
const following = follow();
for await (const line of { [Symbol.asyncIterator]: () => lines }) {
  obey(JSON.parse(line) as NodeCommand);
  if (stop.signal.aborted) break;
}
stop.abort();
await Promise.all([running, following]);
write({ event: "stopped" });
// Then nothing of the client may keep the process alive.
process.stdin.destroy();

async function follow(): Promise<void> {
  for await (const _change of client.watch({ signal: stop.signal })) writeAffiliates();
}

function obey(command: NodeCommand): void {
  switch (command.do) {
    case "publish": {
      const { affiliate, endpoints, otherEndpoints } = command;
      client.publish(affiliate, { endpoints, otherEndpoints });
      return;
    }
    case "withdraw":
      client.withdraw();
      return;
    case "stop":
      stop.abort();
  }
}

function writeAffiliates(): void {
  const affiliates = [...client.affiliates.values()]
    .map(({ endpoints, ...rest }) => (endpoints.length === 0 ? rest : { ...rest, endpoints }))
    .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  write({ event: "affiliates", affiliates, publicAddress: client.publicAddress });
}

function write(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
