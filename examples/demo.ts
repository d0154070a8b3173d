/**
 * The whole system on one machine: a service, three nodes that find each other through it, and somebody who watches.
 *
 *   npm run demo
 *
 * The service and the nodes run in this process, over real gRPC connections. The tables are the command line's, called as
 * in a shell.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough, type Readable } from "node:stream";
import { styleText } from "node:util";
import { DiscoveryClient, generateNodeId } from "talos-discovery";
import { generateClusterId, generateClusterSecret } from "talos-discovery/crypto";
import { grpcTransport, serve } from "talos-discovery/node";

/** The command line of this package; installed, it is `npx talos-discovery`. */
const COMMAND = join(import.meta.dirname, "../dist/cli/main.js");

/** The demo takes about two seconds. Whatever takes this long hangs. */
const DEADLINE = AbortSignal.timeout(18_000);

async function demonstrate(): Promise<void> {
  step("A cluster is an ID, and a secret that only its nodes have.");
  const clusterId = generateClusterId();
  const clusterSecret = generateClusterSecret();
  const secretFile = join(folder, "cluster.secret");
  await writeFile(secretFile, clusterSecret, { mode: 0o600 });
  console.log(`cluster ID ${clusterId}`);

  step("The discovery service starts. It will only ever see sealed data.");
  await using server = await serve({ host: "127.0.0.1", port: 0 });
  console.log(`listening on ${server.url}`);

  const cluster = { service: server.url, clusterId, clusterSecret };
  const shell = {
    TALOS_DISCOVERY_SERVICE: server.url,
    TALOS_DISCOVERY_CLUSTER_ID: clusterId,
    TALOS_DISCOVERY_CLUSTER_SECRET_FILE: secretFile,
  };

  step("Somebody watches the members.");
  await using watch = new Command("get members --watch", shell);
  await watch.showUntil("talos-discovery: no members yet");

  step("Three nodes with fresh identities join. The watch sees each as it arrives.");
  await using node1 = await joinCluster(cluster, "node-1", "controlplane", "10.5.0.2");
  await watch.showUntil("+   node-1");
  await using node2 = await joinCluster(cluster, "node-2", "worker", "10.5.0.3");
  await watch.showUntil("+   node-2");
  await using node3 = await joinCluster(cluster, "node-3", "worker", "10.5.0.4");
  await watch.showUntil("+   node-3");

  step("Affiliates are all who hold the ID and the secret, by node identity.");
  await new Command("get affiliates", shell).showAll();

  step("Members are the affiliates that have a node name, by that name.");
  await new Command("get members", shell).showAll();

  step("The nodes know each other too: this is what node-1 has discovered.");
  for (const { nodename, endpoints } of await discoveredBy(node1, 2)) {
    console.log(`${nodename} is reached at ${endpoints.join(", ")}`);
  }

  step("node-3 leaves. The watch sees it go.");
  await leaveCluster(node3);
  await watch.showUntil("-   node-3");
  watch.interrupt();
  await watch.showAll();

  step("Two members are left.");
  await new Command("get members", shell).showAll();

  step("The other nodes leave, and the service stops.");
  await leaveCluster(node1);
  await leaveCluster(node2);
  console.log(`${(await server.registry.totals()).affiliates} affiliates are left. Done.`);
}

/** Makes a node: one client keeps it registered, and learns of the others. */
async function joinCluster(
  cluster: { service: string; clusterId: string; clusterSecret: string },
  name: string,
  machineType: "controlplane" | "worker",
  address: string,
): Promise<DiscoveryClient> {
  const node = new DiscoveryClient({
    ...cluster,
    nodeId: generateNodeId(),
    transport: grpcTransport,
  });
  node.publish(
    {
      hostname: name,
      nodename: name,
      machineType,
      addresses: [address],
      operatingSystem: "Talos (v1.9.5)",
    },
    { endpoints: [`${address}:51820`] },
  );
  // Runs until the client is disposed; failures never end it, it tries again.
  void node.run();
  await node.flush({ signal: DEADLINE });
  return node;
}

/** Takes a node back from the service at once. One that just stops is forgotten after its TTL. */
async function leaveCluster(node: DiscoveryClient): Promise<void> {
  node.withdraw();
  await node.flush({ signal: DEADLINE });
  await node[Symbol.asyncDispose]();
}

/** What a node knows of the others, as soon as it knows so many. */
async function discoveredBy(node: DiscoveryClient, count: number) {
  for await (const _ of node.watch({ signal: DEADLINE })) {
    if (node.affiliates.size >= count) break;
  }
  return node.affiliates.values();
}

/** `talos-discovery` in a process of its own, its output printed here. */
class Command implements AsyncDisposable {
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown[]>;

  constructor(line: string, environment: Readonly<Record<string, string>>) {
    console.log(styleText("cyan", `$ talos-discovery ${line}`));
    this.#process = spawn(process.execPath, [COMMAND, ...line.split(" ")], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    // Results and messages in one, as on a terminal.
    const output = new PassThrough();
    this.#process.stdout.pipe(output, { end: false });
    this.#process.stderr.pipe(output, { end: false });
    this.#process.once("close", () => output.end());
    this.#lines = createInterface(output)[Symbol.asyncIterator]();
    this.#exited = once(this.#process, "close");
    DEADLINE.addEventListener("abort", () => this.#process.kill("SIGKILL"));
  }

  /** Prints line after line, up to the first that starts with `start`. */
  async showUntil(start: string): Promise<void> {
    for (let row = ""; !row.startsWith(start); ) {
      const next = await this.#lines.next();
      if (next.done) throw new Error(`the output ended before a line with ${start}`);
      row = next.value;
      printRow(row);
    }
  }

  /** Prints what is left, and sees that the command succeeded. */
  async showAll(): Promise<void> {
    for (let next = await this.#lines.next(); !next.done; next = await this.#lines.next()) {
      printRow(next.value);
    }
    const [exitCode] = await this.#exited;
    if (exitCode !== 0) throw new Error(`the command ended with exit code ${exitCode}`);
  }

  /** As Ctrl-C does. */
  interrupt(): void {
    this.#process.kill("SIGINT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#exited;
  }
}

function step(text: string): void {
  console.log(`\n${styleText("bold", text)}`);
}

function printRow(row: string): void {
  if (row.startsWith("+")) console.log(styleText("green", row));
  else if (row.startsWith("-")) console.log(styleText("red", row));
  else console.log(row);
}

const folder = await mkdtemp(join(tmpdir(), "talos-discovery-demo-"));
try {
  await demonstrate();
} catch (error) {
  const reason = DEADLINE.aborted ? "it took too long" : (error as Error).message;
  console.error(styleText("red", `\nThe demo failed: ${reason}`));
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
