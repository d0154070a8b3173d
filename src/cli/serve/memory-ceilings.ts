/**
 * How much fits into the memory that `serve` may use: the ceilings that follow from `--max-memory`,
 * whatever the flags that count things say.
 * @module
 */
import {
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_HEADER_BYTES,
} from "../../node/http/connection-limits.ts";
import { defaultUploadRate } from "../../node/http/upload-limit.ts";
import { availableMemory } from "../../node/memory-limit.ts";
import { DEFAULT_MAX_AFFILIATES } from "../../registry/limits.ts";
import { type AffiliateSize, stateBytes } from "../../registry/state-bytes.ts";
import {
  CONNECTION_BYTES,
  fittingCounts,
  processBytes,
  WATCH_BYTES,
} from "../../server/limits/memory-costs.ts";
import { DEFAULT_MAX_WATCHES } from "../../server/limits/watch-ceiling.ts";
import { MAX_REQUEST_BYTES } from "../../server/rpc/request-body.ts";
import { formatSize } from "../flags/flag-values.ts";
import type { Log } from "./log.ts";
import type { ComputedConfig } from "./print-config.ts";
import type { MemorySettings, ServeSettings } from "./serve-settings.ts";

/** Over this part of the memory no new cluster or affiliate is taken. */
const USABLE_PART = 0.9;

/** As a Talos node publishes it, with the ID that a node has. */
const TYPICAL_AFFILIATE: AffiliateSize = { idBytes: 44, dataBytes: 400, endpoints: 3 };

/** How many of each fit, if there is nothing else. No more than the flags allow. */
export interface MemoryCeilings {
  /** Of the largest size that the protocol allows. */
  readonly largestAffiliates: number;
  /** As Talos nodes publish them. */
  readonly typicalAffiliates: number;
  readonly connections: number;
  readonly watches: number;
  /** Nodes as Talos runs them: an affiliate, a connection and a watch each. */
  readonly nodes: number;
}

/** Works out what fits. */
export function memoryCeilings({
  memory: { maxBytes },
  limits: { maxAffiliates = DEFAULT_MAX_AFFILIATES },
  serve: {
    ceilings: { maxWatches = DEFAULT_MAX_WATCHES } = {},
    connections: { maxConnections = DEFAULT_MAX_CONNECTIONS } = {},
  },
}: Pick<ServeSettings, "memory" | "limits" | "serve">): MemoryCeilings {
  const usableBytes = maxBytes * USABLE_PART - processBytes(maxBytes);
  const fitting = (bytesOfEach: number) => Math.floor(usableBytes / bytesOfEach);
  const fittings = fittingCounts(maxBytes);
  const connections = Math.min(maxConnections, fittings.connections);
  const watches = Math.min(maxWatches, fittings.watches);
  const typicalBytes = stateBytes(TYPICAL_AFFILIATE);
  const typicalAffiliates = Math.min(maxAffiliates, fitting(typicalBytes));
  const watchingNodes = fitting(typicalBytes + WATCH_BYTES + CONNECTION_BYTES);
  return {
    largestAffiliates: Math.min(maxAffiliates, fitting(stateBytes())),
    typicalAffiliates,
    connections,
    watches,
    nodes: Math.min(typicalAffiliates, connections, watches, watchingNodes),
  };
}

/** Where the limit comes from: `half of the memory limit of 512Mi`. */
export function describeMemorySource({ isComputed, machine }: MemorySettings): string {
  if (!isComputed) return "as set";
  const available = availableMemory(machine);
  return available === machine.constrained
    ? `half of the memory limit of ${formatSize(machine.constrained)}`
    : `the size of V8's heap limit`;
}

/**
 * Logs the ceilings at the start, and warns of a limit that the process cannot reach: it would end
 * before the service refuses anything.
 */
export function logMemory(log: Log, settings: ServeSettings): void {
  const { memory, serve } = settings;
  const ceilings = memoryCeilings(settings);
  log.info("memory", {
    max_bytes: memory.maxBytes,
    source: describeMemorySource(memory),
    max_unsent_bytes: serve.unsent?.total,
    nodes: ceilings.nodes,
    largest_affiliates: ceilings.largestAffiliates,
    typical_affiliates: ceilings.typicalAffiliates,
    connections: ceilings.connections,
    watches: ceilings.watches,
  });
  const available = availableMemory(memory.machine);
  if (memory.maxBytes > available) {
    log.warn("--max-memory is more than the process can have: it may be killed before it refuses", {
      max_bytes: memory.maxBytes,
      available_bytes: available,
    });
  }
}

/** The same for `--print-config`. */
export function computedConfig(settings: ServeSettings): ComputedConfig {
  const { memory, serve } = settings;
  const ceilings = memoryCeilings(settings);
  const source = describeMemorySource(memory);
  const { maxRequestBytes = MAX_REQUEST_BYTES, connections } = serve;
  const { maxHeaderBytes = DEFAULT_MAX_HEADER_BYTES } = connections ?? {};
  const upload = defaultUploadRate(serve.rateLimit, { maxRequestBytes, maxHeaderBytes });
  const uploadRate = upload === false ? 0 : upload.perSecond;
  return {
    values: new Map([
      ["max-memory", `${memory.maxBytes} # computed: ${source}`],
      ["max-unsent-bytes", `${serve.unsent?.total} # computed: an eighth of max-memory`],
      ["client-upload-bytes-per-second", `${uploadRate} # computed: from rate-limit`],
    ]),
    notes: [
      "computed: max-memory and the limits above hold, each alone:",
      `computed: ${ceilings.nodes} nodes, with a connection and a watch each`,
      `computed: ${ceilings.largestAffiliates} affiliates of the largest size`,
      `computed: ${ceilings.typicalAffiliates} affiliates as Talos nodes publish them`,
      `computed: ${ceilings.connections} connections`,
      `computed: ${ceilings.watches} watches`,
    ],
  };
}
