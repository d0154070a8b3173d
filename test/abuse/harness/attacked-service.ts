/**
 * The service under attack, as a process of its own: ours, or the reference for comparison.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { unusedPort } from "../../harness/net/unused-port.ts";
import { OUR_CLI, TLS_FIXTURES } from "../../harness/paths.ts";
import { COLLECT_ON_SIGNAL, heldMemory } from "../../harness/processes/held-memory.ts";
import { LineProcess } from "../../harness/processes/line-process.ts";
import { residentMb } from "../../harness/processes/process-memory.ts";
import { giveCoreFirst } from "./core-first.ts";
import { SERVICE_HOST } from "./loopback-address.ts";

const KEPT_LOG_LINES = 5000;

const CERTIFICATE = [
  `--certificate-path=${TLS_FIXTURES}/server.pem`,
  `--key-path=${TLS_FIXTURES}/server-key.pem`,
] as const;

/** Of `times` in /proc, on every platform that Linux runs on. */
const TICKS_PER_SECOND = 100;

export interface AttackedOptions {
  /** Flags of ours, beside the listen addresses. */
  readonly flags?: readonly string[];
  /** `--max-old-space-size` of ours, in MB. @default Node's own */
  readonly heapMb?: number;
  /** Whether ours speaks TLS on the service's port. @default false */
  readonly tls?: boolean;
  /** Whether ours listens on all addresses, those of IPv6 too. @default false */
  readonly listensOnAll?: boolean;
  /** Path of the reference's program, to attack that instead of ours. */
  readonly reference?: string;
}

/** What our service holds. */
export interface Held {
  /** MB after a forced collection. */
  readonly heapMb: number;
  readonly externalMb: number;
  readonly descriptors: number;
  /** MB by `discovery_memory_bytes{kind="…"}`. */
  readonly gaugesMb: ReadonlyMap<string, number>;
}

export class AttackedService {
  readonly port: number;
  readonly tls: boolean;
  readonly landingPort: number;
  readonly metricsPort: number;
  readonly process: LineProcess<"listening">;
  /** `--max-old-space-size`, in MB. */
  readonly heapLimitMb: number | undefined;

  private constructor(
    ports: readonly [number, number, number],
    process: LineProcess<"listening">,
    { tls = false, heapMb }: AttackedOptions,
  ) {
    [this.port, this.landingPort, this.metricsPort] = ports;
    this.process = process;
    this.tls = tls;
    this.heapLimitMb = heapMb;
  }

  /** Starts it on loopback, with all its ports. */
  static async start(options: AttackedOptions = {}): Promise<AttackedService> {
    const ports = [await unusedPort(), await unusedPort(), await unusedPort()] as const;
    const process =
      options.reference === undefined
        ? startOurs(ports, options)
        : startReference(ports, options.reference);
    giveCoreFirst(process.pid);
    await process.until("listening", () => process.events[0]);
    return new AttackedService(ports, process, options);
  }

  get residentMb(): number {
    return residentMb(this.process.pid).now;
  }

  /** User and system time so far. */
  get cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.process.pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(") ") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** Total time for which its event loop was ready to run but had no core, in ms. */
  get waitedForCoreMs(): number {
    const [, waitedNs] = readFileSync(`/proc/${this.process.pid}/schedstat`, "latin1").split(" ");
    return Number(waitedNs) / 1e6;
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.process.pid}/fd`).length;
  }

  /** Collects garbage, and looks at what is left. */
  async held(): Promise<Held> {
    const gaugesMb = new Map<string, number>();
    for (const [labels, bytes] of await this.metric("discovery_memory_bytes")) {
      gaugesMb.set(/kind="([^"]+)"/.exec(labels)?.[1] ?? labels, bytes / 2 ** 20);
    }
    const { heapMb, externalMb } = await heldMemory(this.process);
    return { heapMb, externalMb, descriptors: this.descriptors, gaugesMb };
  }

  /** Values of one metric by its labels (`{…}` or nothing); none if there is no such metric. */
  async metric(name: string): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(`http://${SERVICE_HOST}:${this.metricsPort}/metrics`);
    const lines = (await response.text()).matchAll(/^(\w+)(\{.*\})? (\S+)$/gm);
    return new Map(
      Array.from(lines)
        .filter(([, found]) => found === name)
        .map(([, , labels = "", value]) => [labels, Number(value)]),
    );
  }

  /**
   * Local ports of the peers whose connections the service still holds, from the kernel: a peer
   * that reads nothing does not notice that it was closed.
   */
  heldPeers(port: number = this.port): ReadonlySet<number> {
    const held = new Set<number>();
    const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFileSync(path, "latin1"));
    for (const line of tables.join("\n").split("\n")) {
      const [, local = "", remote = "", state = ""] = line.trim().split(/\s+/);
      if (Number.parseInt(local.split(":")[1] ?? "", 16) !== port) continue;
      if (HELD_STATES.has(state)) held.add(Number.parseInt(remote.split(":")[1] ?? "", 16));
    }
    return held;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.kill();
  }
}

/** ESTABLISHED and CLOSE_WAIT: the process has not closed its end. */
const HELD_STATES: ReadonlySet<string> = new Set(["01", "08"]);

function startOurs(
  [port, landingPort, metricsPort]: readonly [number, number, number],
  { flags = [], heapMb, tls = false, listensOnAll = false }: AttackedOptions,
): LineProcess<"listening"> {
  const args = [
    OUR_CLI,
    "serve",
    `--addr=${listensOnAll ? "" : SERVICE_HOST}:${port}`,
    `--landing-addr=${SERVICE_HOST}:${landingPort}`,
    `--metrics-addr=${SERVICE_HOST}:${metricsPort}`,
    "--snapshots-enabled=false",
    ...(tls ? CERTIFICATE : []),
    ...flags,
  ];
  // `ABUSE_NODE` names another Node to run the service: what an answer costs depends on it.
  const node = process.env.ABUSE_NODE ?? process.execPath;
  const heapOption = heapMb === undefined ? "" : `--max-old-space-size=${heapMb}`;
  return new LineProcess(
    "attacked service",
    node,
    args,
    (line) => (/^listening on http/.test(line) ? "listening" : undefined),
    {
      env: { NODE_OPTIONS: `${COLLECT_ON_SIGNAL} ${heapOption}` },
      keptDiagnostics: KEPT_LOG_LINES,
    },
  );
}

function startReference(
  [port, landingPort, metricsPort]: readonly [number, number, number],
  program: string,
): LineProcess<"listening"> {
  const args = [
    `-addr=${SERVICE_HOST}:${port}`,
    `-landing-addr=${SERVICE_HOST}:${landingPort}`,
    `-metrics-addr=${SERVICE_HOST}:${metricsPort}`,
    "-snapshots-enabled=false",
    "-trust-x-real-ip=false",
    "-trust-first-x-forwarded-for=false",
  ];
  return new LineProcess("attacked reference", program, args, (line) =>
    line.includes('"msg":"API server starting"') ? "listening" : undefined,
  );
}
