/**
 * A discovery service that a test holds in its hand: it records the calls, and every answer can be replaced.
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createRouterTransport,
  type HandlerContext,
} from "@connectrpc/connect";
import type { ClosableTransport } from "../../../src/client/index.ts";
import { createClusterCipher } from "../../../src/crypto/index.ts";
import { type AffiliateData, encodeAffiliate } from "../../../src/protocol/affiliate.ts";
import { encodeEndpoint } from "../../../src/protocol/endpoint.ts";
import {
  type AffiliateDeleteRequest,
  type AffiliateUpdateRequest,
  Cluster,
  type HelloRequest,
  type HelloResponseSchema,
  type WatchResponseSchema,
} from "../../../src/protocol/gen/sidero/discovery/server/cluster_pb.ts";

export const CLUSTER_SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

const cipher = createClusterCipher(CLUSTER_SECRET);

type WatchMessage = MessageInitShape<typeof WatchResponseSchema>;

/** An affiliate as a service lists it. */
interface Listed {
  readonly id: string;
  readonly data: Uint8Array;
  readonly endpoints: Uint8Array[];
}

/** What a service lists for a node that shares the secret. */
export function listed(
  nodeId: string,
  affiliate: AffiliateData = {},
  endpoints: readonly string[] = [],
): Listed {
  return {
    id: nodeId,
    data: cipher.sealAffiliate(encodeAffiliate({ nodeId, ...affiliate })),
    endpoints: endpoints.map((endpoint) => cipher.sealEndpoint(encodeEndpoint(endpoint))),
  };
}

/** The service's end of one watch. */
export class FakeWatch {
  readonly #queue: (WatchMessage | Error | "end")[] = [];
  #wake: () => void = () => {};
  isOpen = true;
  /** Messages so far. */
  sent = 0;

  send(...affiliates: Partial<Listed>[]): void {
    this.put({ affiliates });
  }

  sendDeleted(...ids: string[]): void {
    this.put({ deleted: true, affiliates: ids.map((id) => ({ id })) });
  }

  end(): void {
    this.put("end");
  }

  fail(error: Error): void {
    this.put(error);
  }

  async *messages(signal: AbortSignal): AsyncGenerator<WatchMessage> {
    const onAbort = () => {
      this.isOpen = false;
      this.#wake();
    };
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        const next = this.#queue.shift();
        if (next === "end") return;
        if (next instanceof Error) throw next;
        if (next !== undefined) yield next;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.isOpen = false;
    }
  }

  put(message: WatchMessage | Error | "end"): void {
    this.sent++;
    this.#queue.push(message);
    this.#wake();
  }
}

type Call =
  | { readonly method: "hello"; readonly request: HelloRequest; readonly timeoutMs: number }
  | {
      readonly method: "update";
      readonly request: AffiliateUpdateRequest;
      readonly timeoutMs: number;
    }
  | {
      readonly method: "delete";
      readonly request: AffiliateDeleteRequest;
      readonly timeoutMs: number;
    };

export class FakeService {
  readonly calls: Call[] = [];
  readonly watches: FakeWatch[] = [];
  /** Answers `Hello`; may throw or never resolve. */
  hello: () => Promise<MessageInitShape<typeof HelloResponseSchema>> = async () => ({});
  /** Answers updates and deletes; may throw or never resolve. */
  update: () => Promise<void> = async () => {};
  /** Sent at the start of each watch; `undefined` sends nothing. */
  snapshot: Partial<Listed>[] | undefined = [];
  transports = 0;
  closed = 0;

  transport(): ClosableTransport {
    this.transports++;
    const transport = createRouterTransport(({ service }) => {
      service(Cluster, {
        hello: (request, context) => {
          this.calls.push({ method: "hello", request, timeoutMs: left(context) });
          return orAborted(this.hello(), context);
        },
        affiliateUpdate: async (request, context) => {
          this.calls.push({ method: "update", request, timeoutMs: left(context) });
          await orAborted(this.update(), context);
          return {};
        },
        affiliateDelete: async (request, context) => {
          this.calls.push({ method: "delete", request, timeoutMs: left(context) });
          await orAborted(this.update(), context);
          return {};
        },
        watch: (_, context) => {
          const watch = new FakeWatch();
          this.watches.push(watch);
          if (this.snapshot !== undefined) watch.send(...this.snapshot);
          return watch.messages(context.signal);
        },
      });
    });
    return {
      unary: transport.unary.bind(transport),
      stream: transport.stream.bind(transport),
      close: () => {
        this.closed++;
      },
    };
  }

  /** The last watch. */
  get watch(): FakeWatch {
    const watch = this.watches.at(-1);
    if (watch === undefined) throw new Error("nobody watches");
    return watch;
  }

  countOf(method: Call["method"]): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  updates(): AffiliateUpdateRequest[] {
    return this.calls.flatMap((call) => (call.method === "update" ? [call.request] : []));
  }
}

/** As a broken connection looks. */
export function unavailable(): ConnectError {
  return new ConnectError("connection refused", Code.Unavailable);
}

/** What never comes. */
export function never<T>(): Promise<T> {
  return new Promise(() => {});
}

/** Lets everything run that needs no timer, until `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500; turn++) {
    if (condition()) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  throw new Error(`still not so: ${condition}`);
}

function left(context: HandlerContext): number {
  return context.timeoutMs() ?? Number.POSITIVE_INFINITY;
}

/** The server's half of a call lives as long as its handler, and keeps a timer for its deadline. */
function orAborted<T>(answer: Promise<T>, { signal }: HandlerContext): Promise<T> {
  return new Promise((resolve, reject) => {
    answer.then(resolve, reject);
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
