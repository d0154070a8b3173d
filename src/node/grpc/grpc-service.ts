/**
 * What the calls on streams of one server have in common.
 * @module
 */
import type { Admission } from "../../server/limits/admission.ts";
import type { PendingCalls } from "../../server/limits/pending-calls.ts";
import type { AnswerEncoder } from "../../server/rpc/answer-encoder.ts";
import type { ResolvedServiceOptions } from "../../server/service-options.ts";
import type { Output } from "../http/output.ts";

/** What the streams of one server share. */
export interface GrpcService {
  readonly options: ResolvedServiceOptions;
  readonly encoder: AnswerEncoder;
  readonly output: Output;
  /** Counts malformed calls. */
  readonly admission: Admission;
  /** Counts calls whose requests have not arrived whole. */
  readonly pendingCalls: PendingCalls;
}
