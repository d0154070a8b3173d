/**
 * Which document is the machine's configuration proper: the one without a kind.
 * @module
 */
import type { ConfigMap } from "./documents.ts";

/** Finds the document with `cluster` and `machine`. A second one is reported. */
export function findMachineConfig(documents: readonly ConfigMap[]): ConfigMap | undefined {
  const [found, second] = documents.filter(isMachineConfig);
  if (second !== undefined) {
    second.report(second.has("cluster") ? "cluster" : "machine", "stands in another document too");
  }
  return found;
}

function isMachineConfig(document: ConfigMap): boolean {
  return !document.has("kind") && (document.has("cluster") || document.has("machine"));
}
