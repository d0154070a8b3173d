/**
 * The rules between settings of `serve`: how values that mean something only together become
 * options. A value that is an option by itself is a row in `setting-table.ts`, and nothing here.
 * @module
 */
import type {
  ListenAddress,
  ServeOptions,
  SnapshotRegistryOptions,
  TlsFiles,
} from "../../node/index.ts";
import {
  type MachineMemory,
  readMachineMemory,
  resolveMaxMemory,
} from "../../node/memory-limit.ts";
import type { RegistryLimits } from "../../registry/limits.ts";
import type { RegistrySharesOptions } from "../../registry/state-accounts.ts";
import type { ByteRate } from "../../server/limits/byte-rate.ts";
import type { RateLimit } from "../../server/limits/rate-limit.ts";
import { UsageError } from "../exit.ts";
import type { Flags } from "../flags/flags.ts";
import type { LogOptions } from "./log.ts";
import type { RuleValues } from "./setting.ts";
import { readSettings } from "./setting-table.ts";

/** A port of pages. */
export interface PagesSettings extends ListenAddress {
  /** Whether it is the default: then the service starts without it if the port is in use. */
  readonly isDefault: boolean;
}

/** The memory that may be used. */
export interface MemorySettings {
  /** Bytes of everything that clients can make the service keep. */
  readonly maxBytes: number;
  /** Whether `maxBytes` follows from `machine`. */
  readonly isComputed: boolean;
  readonly machine: MachineMemory;
}

/** Unsent bytes may take this part of the memory, unless a flag says otherwise. */
const UNSENT_PART = 1 / 8;

/** How many seconds of its rate a client may send at once: as many as calls. */
const UPLOAD_BURST_SECONDS = 4;

/** All settings of `serve`, as options of its parts. */
export interface ServeSettings {
  readonly serve: ServeOptions;
  /** Absent: off. */
  readonly landing: PagesSettings | undefined;
  /** Absent: off, and nothing is counted. */
  readonly metrics: PagesSettings | undefined;
  /** A file with the IDs of the clusters that are served; absent for all. */
  readonly clusterAllowList: string | undefined;
  /** Of the registry. */
  readonly limits: Partial<RegistryLimits>;
  /** Of the registry. */
  readonly shares: RegistrySharesOptions;
  readonly memory: MemorySettings;
  /** Absent: no state is kept. */
  readonly snapshot: SnapshotRegistryOptions | undefined;
  readonly log: LogOptions;
}

/**
 * Reads the flags, without looking at files that they name.
 *
 * @param machine - Decides how much memory may be used, unless a flag does.
 * @throws {UsageError} For the first value that is invalid, naming where it stands, and for flags
 *   of which one needs another.
 */
export function readServeSettings(
  flags: Flags,
  machine: MachineMemory = readMachineMemory(),
): ServeSettings {
  // All are read, also if others make them useless: whether a value is valid depends on it alone.
  const { serve, connections, ceilings, limits, shares, snapshot, log, rules } =
    readSettings(flags);
  const { shutdownTimeoutMs, firstByteTimeoutMs } = rules;
  const maxBytes = rules.maxMemory ?? resolveMaxMemory(machine);
  return {
    serve: {
      ...serve,
      ...rules.addr,
      tls: tlsFiles(rules),
      rateLimit: limitOrNone(rules.rateLimit, rules.rateBurst),
      probeRateLimit: limitOrNone(rules.probeRateLimit, rules.probeRateBurst),
      byteRate: limitOrNone(rules.clientBytesPerSecond, rules.clientBytesBurst),
      uploadRate: uploadRate(rules.clientUploadBytesPerSecond),
      unsent: {
        perConnection: rules.maxUnsentBytesPerConnection,
        perClient: rules.maxUnsentBytesPerClient,
        total: rules.maxUnsentBytes ?? Math.floor(maxBytes * UNSENT_PART),
      },
      ceilings,
      connections: { ...connections, firstByteTimeoutMs },
      connectTimeoutMs: firstByteTimeoutMs,
      shutdownTimeoutMs,
    },
    landing: pagesSettings(rules.landingAddr, flags, "landing-addr"),
    metrics: pagesSettings(rules.metricsAddr, flags, "metrics-addr"),
    clusterAllowList: rules.clusterAllowList,
    limits,
    shares,
    memory: { maxBytes, isComputed: rules.maxMemory === undefined, machine },
    snapshot: rules.snapshotsEnabled ? { ...snapshot, shutdownTimeoutMs } : undefined,
    // The reference has `debug` alone: whoever sets it wants to see everything.
    log: rules.debug ? { ...log, level: "debug" } : log,
  };
}

function pagesSettings(
  address: ListenAddress | undefined,
  flags: Flags,
  name: string,
): PagesSettings | undefined {
  return address && { ...address, isDefault: flags.source(name) === "default" };
}

function tlsFiles({ certificatePath, keyPath, clientCaPath }: RuleValues): TlsFiles | undefined {
  if (certificatePath !== undefined && keyPath !== undefined) {
    return { certificatePath, keyPath, clientCaPath };
  }
  if (certificatePath !== undefined || keyPath !== undefined) {
    throw new UsageError("--certificate-path and --key-path: one is missing");
  }
  if (clientCaPath !== undefined) {
    throw new UsageError("--client-ca-path: only with --certificate-path and --key-path");
  }
  return undefined;
}

function uploadRate(perSecond: number | undefined): ByteRate | false | undefined {
  if (perSecond === undefined) return undefined;
  return perSecond === 0 ? false : { perSecond, burst: perSecond * UPLOAD_BURST_SECONDS };
}

function limitOrNone(perSecond: number, burst: number): RateLimit | false {
  return perSecond === 0 ? false : { perSecond, burst };
}
