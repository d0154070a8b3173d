/**
 * Callers without rest: many affiliates that are refreshed in turn, whatever happens to the service.
 * @module
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, type Http2SessionManager } from "@connectrpc/connect-node";
import { expect, onTestFinished } from "vitest";
import { Cluster } from "../../../src/protocol/index.ts";
import type { Service } from "../../harness/processes/services.ts";

const AFFILIATES = 200;
const CALLERS = 4;
const DATA_BYTES = 500;
/** Well under the limit for one address, with a few hundred addresses. */
const REST_MS = 5;
const RETRY_MS = 50;
const CALL_LIMIT_MS = 15_000;

export interface Load {
  /** Calls that were answered so far. */
  readonly answered: () => number;
  /** Waits until so many more were answered. */
  readonly goesOn: (calls: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts it; it ends with the test at the latest. Every affiliate calls from an address of its own. */
export function startLoad(service: Service): Load {
  const end = new AbortController();
  let answered = 0;
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    const client = clientOf(service);
    for (let turn = caller; !end.signal.aborted; turn += CALLERS) {
      const number = turn % AFFILIATES;
      const ok = await client
        .affiliateUpdate(
          {
            clusterId: "load",
            affiliateId: `affiliate-${number}`,
            affiliateData: randomBytes(DATA_BYTES),
            ttl: { seconds: 60n },
          },
          {
            headers: { "x-real-ip": `10.1.0.${number}` },
            signal: end.signal,
            timeoutMs: CALL_LIMIT_MS,
          },
        )
        .then(
          () => true,
          () => false,
        );
      if (end.signal.aborted) return;
      if (ok) answered += 1;
      await sleep(ok ? REST_MS : RETRY_MS);
    }
  });
  const stop = async (): Promise<void> => {
    end.abort();
    await Promise.all(callers);
  };
  onTestFinished(stop);
  const goesOn = async (calls: number): Promise<void> => {
    const enough = answered + calls;
    await expect.poll(() => answered).toBeGreaterThan(enough);
  };
  return { answered: () => answered, goesOn, stop };
}

/** A client of the stubs, without anything of ours between it and the service. */
export function clientOf(
  { url }: Service,
  options: { readonly ca?: string; readonly sessionManager?: Http2SessionManager } = {},
): Client<typeof Cluster> {
  const { ca, sessionManager } = options;
  return createClient(
    Cluster,
    createGrpcTransport({
      baseUrl: url,
      ...(ca !== undefined && { nodeOptions: { ca } }),
      ...(sessionManager !== undefined && { sessionManager }),
    }),
  );
}
