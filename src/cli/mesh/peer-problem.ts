/**
 * Why a node of the mesh is no peer, or a part of what it publishes is of no use.
 * @module
 */
import type { PeerProblem } from "../../kubespan/index.ts";
import { quoted } from "../text.ts";

/**
 * A problem in one line.
 *
 * @param who - The node, for people, safe for a terminal.
 */
export function describePeerProblem(problem: PeerProblem, who: string): string {
  switch (problem.reason) {
    case "public_key_malformed":
      return `${who} is no peer: its public key is none`;
    case "public_key_taken":
      return `${who} is no peer: ${quoted(problem.by)} has its public key`;
    case "address_malformed":
      return `${who}: ${quoted(problem.text)} is no address, and left out`;
    case "prefix_malformed":
      return `${who}: ${quoted(problem.text)} is no prefix, and left out`;
    case "endpoint_malformed":
      return `${who}: ${quoted(problem.text)} is no endpoint, and left out`;
  }
}
