/**
 * What to tell a user about what registries have and what is not shown.
 * @module
 */
import type { DropReport } from "../../client/index.ts";
import type { NodeDropReport } from "../../kubernetes/index.ts";
import { quoted } from "../flags/flag-values.ts";

/** Why an affiliate does not open, in a few words. Reports of endpoints alone cost no affiliate, and are not here. */
export const UNOPENED_REASONS = {
  affiliate_tag_mismatch: "sealed with another secret",
  affiliate_id_mismatch: "listed under another node's ID",
  affiliate_too_short: "bad data",
  affiliate_malformed: "bad data",
} as const satisfies Partial<Record<DropReport["reason"], string>>;

/** Collects reports, and counts each affiliate once. */
export class DropSummary {
  readonly #reasons = new Map<string, string>();
  #overLimitCount = 0;

  /**
   * For `DiscoveryClient`'s `onDrop`.
   *
   * @returns A line about it, where it says something new. Bad endpoints cost no affiliate, and say nothing.
   */
  readonly add = (report: DropReport): string | undefined => {
    if (report.reason === "affiliates_over_limit") {
      this.#overLimitCount = report.count;
      return `the service lists ${report.count} affiliates too many, which are not shown`;
    }
    if (report.reason === "endpoint_malformed" || report.reason === "endpoints_over_limit") {
      return undefined;
    }
    const { nodeId } = report;
    const reason = UNOPENED_REASONS[report.reason];
    if (this.#reasons.get(nodeId) === reason) return undefined;
    this.#reasons.set(nodeId, reason);
    return `affiliate ${nodeId} is not shown: ${reason}`;
  };

  /**
   * All of them in one line, where there are any.
   *
   * @param shownCount - How many are shown.
   */
  summary(shownCount: number): string | undefined {
    const count = this.#reasons.size + this.#overLimitCount;
    if (count === 0) return undefined;
    const reasons = new Set(this.#reasons.values());
    if (this.#overLimitCount > 0) reasons.add("too many at once");
    return `${count} of ${shownCount + count} affiliates did not open: ${[...reasons].join(", ")}`;
  }
}

/** A line about what cannot be used of a Kubernetes node. */
export function describeNodeDrop(report: NodeDropReport): string {
  const { nodeName } = report;
  switch (report.reason) {
    case "annotation_malformed":
      return `node ${nodeName}: ${quoted(report.item)} in the annotation ${report.annotation} is left out: it does not parse`;
    case "node_id_duplicate":
      return `node ${nodeName} is not shown: ${report.usedNodeName} has its node ID, ${report.nodeId}`;
  }
}
