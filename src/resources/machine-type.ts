/**
 * The role of a machine, as text.
 * @module
 */

/** `init` is a control plane node too: the one that bootstrapped an old cluster. */
export type MachineType = "unknown" | "init" | "controlplane" | "worker";

/**
 * Reads the role that a node published.
 *
 * @param text - Any text, also an absent one.
 * @returns `worker` for `worker`, for its old name `join` and for no text; `unknown` for what no
 *   Talos writes. Never throws: the text comes from another node.
 */
export function parseMachineType(text: string | undefined): MachineType {
  switch (text) {
    case "init":
    case "controlplane":
      return text;
    case undefined:
    case "":
    case "join":
    case "worker":
      return "worker";
    default:
      return "unknown";
  }
}
