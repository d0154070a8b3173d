/**
 * Refusals in the log: for each reason at most one line a minute, with the clients that were
 * refused most. A flood of refusals makes neither a flood of lines nor of memory.
 * @module
 */
import { type ScheduleWake, scheduleTimeout } from "../../async/timers.ts";
import { formatAddress, scanAddress, unmapAddress } from "../../net/address.ts";
import type { RefusalReason } from "../../server/index.ts";
import { LargestCounts } from "./largest-counts.ts";
import type { Log } from "./log.ts";

/** Time between two lines about the same reason. */
const INTERVAL_MS = 60_000;

/** After a pause the first line comes sooner, and still has all of a burst. */
const FIRST_LINE_DELAY_MS = 1000;

/** Clients that a line names. */
const NAMED_CLIENTS = 10;

/** Clients that are counted for each reason: about 100 kB. */
const MAX_CLIENTS = 1024;

/** Of a refusal that has no address, such as one of a connection that is gone. */
const UNKNOWN_CLIENT = "unknown";

/** How connections of clients that are well end too. */
const ORDINARY: ReadonlySet<RefusalReason> = new Set(["connection_idle", "ping_timeout"]);

/** The part of the log about refusals. */
export interface RefusalLog {
  /**
   * Counts a refusal.
   *
   * @param clientAddress - An IP; IPv6 is counted by its network of 64 bits.
   */
  readonly add: (reason: RefusalReason, clientAddress: string | undefined) => void;
  /** Logs what is not logged yet. */
  readonly flush: () => void;
}

/** Refusals for one reason since its last line. */
interface Pending {
  clients: LargestCounts;
  /** Ends in a line, or in nothing to say. Absent while the reason is quiet. */
  timer: { cancel(): void } | undefined;
}

/** Makes the log. Costs nothing without refusals. */
export function createRefusalLog(log: Log, schedule: ScheduleWake = scheduleTimeout): RefusalLog {
  const reasons = new Map<RefusalReason, Pending>();

  function write(reason: RefusalReason, pending: Pending): boolean {
    const { clients } = pending;
    if (clients.total === 0) return false;
    pending.clients = new LargestCounts(MAX_CLIENTS);
    const level = ORDINARY.has(reason) ? "debug" : "info";
    log[level]("refused", { reason, count: clients.total, clients: describeClients(clients) });
    return true;
  }

  function onTimer(reason: RefusalReason, pending: Pending): void {
    pending.timer = write(reason, pending)
      ? schedule(() => onTimer(reason, pending), INTERVAL_MS)
      : undefined;
  }

  return {
    add(reason, clientAddress) {
      let pending = reasons.get(reason);
      if (pending === undefined) {
        pending = { clients: new LargestCounts(MAX_CLIENTS), timer: undefined };
        reasons.set(reason, pending);
      }
      pending.clients.add(clientName(clientAddress));
      const known = pending;
      pending.timer ??= schedule(() => onTimer(reason, known), FIRST_LINE_DELAY_MS);
    },
    flush() {
      for (const [reason, pending] of reasons) {
        pending.timer?.cancel();
        pending.timer = undefined;
        write(reason, pending);
      }
    },
  };
}

/** `10.0.0.1 (9000), 2001:db8::/64 (12) and 3 others`. */
function describeClients(clients: LargestCounts): string {
  const largest = clients.largest(NAMED_CLIENTS);
  const named = largest.map(([name, count]) => `${name} (${count})`).join(", ");
  const others = clients.names - largest.length;
  if (others <= 0) return named;
  const more = `${clients.isComplete ? "" : "over "}${others} other${others === 1 ? "" : "s"}`;
  return named === "" ? more : `${named} and ${more}`;
}

/** One client is an IPv4 address, or an IPv6 network of 64 bits. */
function clientName(address: string | undefined): string {
  if (address === undefined) return UNKNOWN_CLIENT;
  if (!address.includes(":")) return address;
  const scanned = scanAddress(address);
  if (scanned === undefined) return UNKNOWN_CLIENT;
  const ip = unmapAddress(scanned.subarray(0, 16));
  return ip.length === 4 ? formatAddress(ip) : `${formatAddress(ip.fill(0, 8))}/64`;
}
