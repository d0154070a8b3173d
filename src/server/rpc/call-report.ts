/**
 * What an operator may want to know of each call: plain data for logs and metrics, which are made
 * elsewhere.
 * @module
 */
import type { RefusalReason } from "./refusal-reason.ts";
import type { RpcCode } from "./rpc-status.ts";

/** The methods of `sidero.discovery.server.Cluster`. */
export type ClusterMethod = "Hello" | "AffiliateUpdate" | "AffiliateDelete" | "List" | "Watch";

/**
 * One call, after its end. Opaque affiliate data is not in it.
 *
 * May be the call itself: a field is worked out when it is read, so that what nobody reads costs
 * nothing.
 */
export interface CallReport {
  readonly method: ClusterMethod;
  /**
   * `slow` is Connect's handler, which takes everything; `fast` is the way of its own for
   * uncompressed calls over HTTP/2.
   */
  readonly path: "fast" | "slow";
  readonly code: RpcCode;
  /** From the decoded request to the end of the answer; a watch lives long. */
  readonly durationMs: number;
  /**
   * IP of the caller, behind trusted proxies the one they report. Absent where the host tells none.
   */
  readonly clientAddress: string | undefined;
  readonly clusterId: string;
  /** Of updates and deletes. */
  readonly affiliateId: string | undefined;
  /** Of `Hello`, unchecked text from the caller. */
  readonly clientVersion: string | undefined;
  /** Messages of the answer: more than one only for a watch. */
  readonly messagesSent: number;
  /**
   * What was thrown, with the details that the caller is not told. `refusalReason` names refusals.
   */
  readonly error: unknown;
}

/**
 * What is known of a refused request besides the reason. Texts are the caller's: not for labels.
 */
export interface RefusalDetails {
  /** IP of the client, as in {@link CallReport.clientAddress}. */
  readonly clientAddress?: string | undefined;
  /** The web page's origin, for `cors_origin`. */
  readonly origin?: string | undefined;
}

/**
 * Callbacks of a service. They observe only, must not throw, and cost nothing where absent. How far
 * watchers are behind is the registry's to tell: `MemoryRegistryOptions.onWatchLag`.
 */
export interface ServerHooks {
  /** A request was decoded, and its procedure begins. */
  readonly onCallStart?: (method: ClusterMethod) => void;
  /** One message of the answer was handed to the connection. */
  readonly onMessageSent?: (method: ClusterMethod) => void;
  /** The call has ended, however it did. */
  readonly onCallEnd?: (report: CallReport) => void;
  /**
   * A connection or a request was refused before it became a call. A call that is refused is in
   * `onCallEnd` alone. With `cors_origin` the request itself may have been answered, and it is the
   * browser that keeps the answer from the page.
   */
  readonly onRefused?: (reason: RefusalReason, details?: RefusalDetails) => void;
}
