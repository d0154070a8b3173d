/**
 * The built command beside a service with some nodes, for the programs that read what it exports.
 * @module
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import type { DiscoveryServer } from "../../src/node/serve.ts";
import { hostileMembers } from "../harness/cluster/hostile-members.ts";
import {
  createTestCluster,
  type PublishedNode,
  type TestCluster,
} from "../harness/cluster/published-nodes.ts";
import { OUR_CLI } from "../harness/paths.ts";
import { LineProcess } from "../harness/processes/line-process.ts";
import { startService } from "../harness/service/test-service.ts";

const OS = "Talos (v1.15.0)";

/** A control plane node and two workers, one of them without a type that anybody knows. */
export const NODES: readonly PublishedNode[] = [
  {
    nodename: "cp-1",
    hostname: "cp-1.example.com",
    machineType: "controlplane",
    operatingSystem: OS,
    addresses: ["10.5.0.2", "fd00::2"],
    controlPlane: { port: 6443 },
  },
  {
    nodename: "worker-1",
    hostname: "worker-1",
    machineType: "worker",
    operatingSystem: 'Talos, "the" system',
    addresses: ["10.5.0.3", "fd00::3"],
  },
  {
    nodename: "odd-1",
    hostname: "{{ lookup('pipe', 'id') }}",
    machineType: "mainframe",
    operatingSystem: "=cmd|' /C calc'!A0",
    addresses: ["fd00::4"],
  },
];

/** Ansible prints all hosts for each of them. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

const runFile = promisify(execFile);

/** A folder, a service, and a cluster of some nodes; gone when the test ends. */
export interface ExportDesk {
  readonly folder: string;
  readonly service: DiscoveryServer;
  readonly cluster: TestCluster;
  /** For commands that are to know the cluster. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs a program to its end, and gives its stdout. */
  run(program: string, ...args: readonly string[]): Promise<string>;
  /** Runs `talos-discovery export`. */
  export(...args: readonly string[]): Promise<string>;
  /** Starts a program that goes on; its lines are its events. */
  start(program: string, ...args: readonly string[]): LineProcess<string>;
}

/** @param nodesFor - Gives the nodes, for the folder's path. @default {@link NODES} */
export async function createExportDesk(
  nodesFor: (folder: string) => readonly PublishedNode[] = () => NODES,
): Promise<ExportDesk> {
  const folder = await mkdtemp(join(tmpdir(), "talos-discovery-export-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const nodes = nodesFor(folder);
  const service = await startService({ rateLimit: { perSecond: 1000, burst: 1000 } });
  onTestFinished(() => service.close());
  const cluster = createTestCluster();
  for (const node of nodes) await cluster.publish(service, node);
  const env = { ...cluster.environment(service).env, HOME: folder };
  const processEnv = { ...process.env, ...env };

  async function run(program: string, ...args: readonly string[]): Promise<string> {
    const options = { cwd: folder, env: processEnv, maxBuffer: MAX_OUTPUT_BYTES };
    const { stdout } = await runFile(program, [...args], options).catch(
      (error: Error & { stdout?: string; stderr?: string }) => {
        throw new Error(`${error.message}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
      },
    );
    return stdout;
  }

  return {
    folder,
    service,
    cluster,
    env,
    run,
    export: (...args) => run(process.execPath, OUR_CLI, "export", ...args),
    start(program, ...args) {
      const started = new LineProcess<string>(program, program, args, (line) => line, { env });
      onTestFinished(() => started.kill());
      return started;
    },
  };
}

/** Members that attack by what they publish, and what shows that they got through. */
export interface HostileDesk extends ExportDesk {
  readonly members: ReturnType<typeof hostileMembers>;
  /** Files that their commands have left. Expected to be none. */
  ran(): Promise<string[]>;
}

export async function createHostileDesk(): Promise<HostileDesk> {
  let members: ReturnType<typeof hostileMembers> = [];
  const desk = await createExportDesk((folder) => {
    members = hostileMembers(`touch ${folder}/ran`);
    return members;
  });
  return {
    ...desk,
    members,
    ran: async () => (await readdir(desk.folder)).filter((name) => name === "ran"),
  };
}
