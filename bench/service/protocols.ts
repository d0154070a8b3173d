/**
 * What our own service spends on the same answers in each protocol, per byte that it sends.
 * @module
 */
import { summarize } from "../harness/statistics.ts";
import {
  type Measured,
  measureList,
  measureSnapshot,
  measureWatch,
  WATCH_CONNECTIONS,
  WATCHERS,
} from "./protocol-load.ts";
import { COMMON, FULL, publishClusters } from "./published-clusters.ts";
import { markdownTable } from "./report.ts";
import type { RunningServer, ServerHall } from "./servers.ts";
import { HANDLER_PROTOCOLS, PROTOCOLS, type Protocol } from "./wire-protocols.ts";

/** One kind of answer, in several protocols. */
export interface ProtocolCase {
  readonly name: string;
  readonly operation: string;
  /** The first is what the others are compared with. */
  readonly protocols: readonly Protocol[];
  /** Measured operations of a full run; a third of them runs first, to warm up. */
  readonly count: number;
  readonly measure: (server: RunningServer, protocol: Protocol, count: number) => Promise<Measured>;
}

/** One protocol of a case over all rounds. */
export interface ProtocolResult {
  readonly name: string;
  readonly operation: string;
  readonly protocol: string;
  /** CPU time per operation, in µs. */
  readonly microseconds: number;
  readonly bytesPerOperation: number;
  readonly nsPerByte: number;
  /** CPU time per byte over that of gRPC in the same round: median, smallest, largest. */
  readonly ratio: { readonly median: number; readonly min: number; readonly max: number };
  readonly holds: boolean;
}

/** No protocol may cost more per byte than this times gRPC. */
export const PROTOCOL_RATIO_LIMIT = 2;

export const PROTOCOL_CASES: readonly ProtocolCase[] = [
  {
    name: "protocol-list",
    operation: "List of 100 affiliates",
    protocols: [...PROTOCOLS, ...HANDLER_PROTOCOLS],
    count: 4000,
    measure: (server, protocol, count) => measureList(COMMON, server, protocol, count),
  },
  {
    name: "protocol-list-full",
    operation: "List of 1024 affiliates, the largest",
    protocols: [...PROTOCOLS, ...HANDLER_PROTOCOLS],
    count: 200,
    measure: (server, protocol, count) => measureList(FULL, server, protocol, count),
  },
  {
    name: "protocol-snapshot",
    operation: "Watch until the snapshot of the 1024 affiliates has come",
    protocols: PROTOCOLS,
    count: 200,
    measure: measureSnapshot,
  },
  {
    name: "protocol-watch",
    operation: `message to one of ${WATCHERS} watchers on ${WATCH_CONNECTIONS} connections`,
    protocols: PROTOCOLS,
    count: 400,
    measure: measureWatch,
  },
];

/** All protocols of each case, in turns. Each round has a process of its own. */
export async function runProtocolRound(
  cases: readonly ProtocolCase[],
  hall: ServerHall,
  { round, share }: { readonly round: number; readonly share: number },
): Promise<ReadonlyMap<string, readonly Measured[]>> {
  const results = new Map<string, Measured[]>();
  if (cases.length === 0) return results;
  await using server = await hall.start("ours");
  await publishClusters(server.endpoint);
  for (const { name, protocols, count, measure } of cases) {
    const measured: Measured[] = [];
    for (let turn = 0; turn < protocols.length; turn++) {
      const at = (turn + round) % protocols.length;
      const protocol = protocols[at] as Protocol;
      measured[at] = await measure(server, protocol, Math.ceil(count * share));
      process.stderr.write(`round ${round + 1}: ${name} ${protocol.name}\n`);
    }
    results.set(name, measured);
  }
  return results;
}

/** @param rounds - What {@link runProtocolRound} gave for `protocolCase`. */
export function concludeProtocols(
  { name, operation, protocols }: ProtocolCase,
  rounds: readonly (readonly Measured[])[],
): readonly ProtocolResult[] {
  const nsPerByte = ({ bytes, cpuSeconds }: Measured) => (cpuSeconds * 1e9) / bytes;
  return protocols.map((protocol, at) => {
    const own = rounds.map((round) => round[at] as Measured);
    const median = (of: (measured: Measured) => number) => summarize(own.map(of)).median;
    const ratio = summarize(
      rounds.map((round) => nsPerByte(round[at] as Measured) / nsPerByte(round[0] as Measured)),
    );
    return {
      name,
      operation,
      protocol: protocol.name,
      microseconds: median((each) => (each.cpuSeconds * 1e6) / each.operations),
      bytesPerOperation: median((each) => each.bytes / each.operations),
      nsPerByte: median(nsPerByte),
      ratio: { median: ratio.median, min: ratio.min, max: ratio.max },
      holds: ratio.median <= PROTOCOL_RATIO_LIMIT,
    };
  });
}

/**
 * A Markdown table.
 *
 * @param isJudged - Whether to say which ratios hold.
 */
export function formatProtocols(results: readonly ProtocolResult[], isJudged: boolean): string {
  const header = ["case", "operation", "protocol", "CPU", "bytes", "per byte"];
  return markdownTable([
    [...header, "ratio to gRPC per byte (min to max)", "to reach", ""],
    ...results.map((result) => [
      result.name,
      result.operation,
      result.protocol,
      `${result.microseconds.toFixed(1)} µs`,
      result.bytesPerOperation.toFixed(0),
      `${result.nsPerByte.toFixed(2)} ns`,
      `${result.ratio.median.toFixed(2)} (${result.ratio.min.toFixed(2)} to ${result.ratio.max.toFixed(2)})`,
      PROTOCOL_RATIO_LIMIT.toFixed(2),
      isJudged ? (result.holds ? "holds" : "does not hold") : "",
    ]),
  ]);
}
