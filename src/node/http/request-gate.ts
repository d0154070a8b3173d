/**
 * What a request must pass before anything of it is read, on every port. Calls that are answered on
 * streams have a way of their own.
 * @module
 */
import type { MemoryBudget } from "../../registry/memory-budget.ts";
import { type Admission, type Refusal, refusal } from "../../server/limits/admission.ts";
import { registryClient } from "../../server/limits/client-address.ts";
import { CONNECT_STREAM_BYTES, fittingCountsOf } from "../../server/limits/memory-costs.ts";
import { NetworkShares } from "../../server/limits/network-shares.ts";
import type { Connection } from "./connections.ts";
import type { Output } from "./output.ts";

/** A request of which only the head has arrived. */
export interface RequestHead {
  /** @default "POST" */
  readonly method?: string | undefined;
  readonly target: string;
  /** Empty if there is none. */
  readonly contentType: string;
  readonly connection: Connection | undefined;
  /** 4 or 16 bytes. */
  readonly clientIp: Uint8Array | undefined;
  /** Whether calls of nodes do not come this way. @default false */
  readonly isRare?: boolean | undefined;
}

/** Options of {@link RequestGate}. */
export interface RequestGateOptions {
  readonly admission: Admission;
  readonly output: Output;
  /** Told of the requests that are being answered, as `streams`. */
  readonly memory?: MemoryBudget | undefined;
}

/** One for all ports of a service. */
export class RequestGate {
  readonly #admission: Admission;
  readonly #output: Output;
  readonly #memory: MemoryBudget | undefined;
  readonly #maxRequests: number;
  readonly #shares: NetworkShares;

  constructor({ admission, output, memory }: RequestGateOptions) {
    this.#admission = admission;
    this.#output = output;
    this.#memory = memory;
    this.#maxRequests = fittingCountsOf(memory).connectStreams;
    this.#shares = new NetworkShares({ max: this.#maxRequests, sharePercent: 100 });
  }

  /**
   * Judges a request, and counts it.
   *
   * @returns Why it is refused, or how to take it off when its answer has gone.
   */
  enter(head: RequestHead): Refusal | (() => void) {
    const { method, target, contentType, connection, clientIp, isRare = false } = head;
    const refused = this.#admission.judge({ method, target, contentType, clientIp, isRare });
    if (refused !== undefined) return refused;
    if (this.#output.isOver(connection, clientIp)) {
      return refusal("unsent_limit", "too many answers of this client are not read", contentType);
    }
    const client = registryClient(clientIp);
    if (this.#shares.held >= this.#maxRequests || !this.#shares.allows(client)) {
      return refusal("stream_limit", "too many requests at a time", contentType);
    }
    this.#shares.add(client);
    this.#memory?.add("streams", CONNECT_STREAM_BYTES);
    return () => {
      this.#shares.remove(client);
      this.#memory?.add("streams", -CONNECT_STREAM_BYTES);
    };
  }

  /**
   * Counts a call that turns out to be malformed.
   *
   * @returns Whether its connection may go on. That of a proxy may, for the sake of its others.
   */
  takeMalformed({ connection, clientIp }: Pick<RequestHead, "connection" | "clientIp">): boolean {
    return this.#admission.takeMalformed(clientIp) || connection?.client === undefined;
  }
}
