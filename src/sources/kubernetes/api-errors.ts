/**
 * What an API server means when it refuses, and what people can do about it.
 * @module
 */
import { DiscoveryError, isDiscoveryError } from "../../errors.ts";

/** Where people find what an account needs. */
const MANIFEST = "deploy/kubernetes/node-annotations.yaml";

/** A kubelet's user, in the messages of authorizers. */
const KUBELET = /User "(system:node:[^"]*)" cannot (\S+)/;

/** A message is one line, and not longer than this. */
const MAX_MESSAGE_CHARACTERS = 500;

/**
 * The error for an answer that is not 200.
 *
 * @param text - The answer's body: a `Status` object in JSON, or what a proxy on the way says.
 */
export function refusal(source: string, status: number, text: string): DiscoveryError {
  const said = messageOf(text);
  switch (status) {
    case 401:
      return new DiscoveryError(
        "ERR_KUBERNETES_UNAUTHORIZED",
        `${source} does not accept these credentials (401${said && `: ${said}`}): they are wrong or have expired`,
      );
    case 403:
      return new DiscoveryError("ERR_KUBERNETES_FORBIDDEN", forbidden(source, said));
    case 404:
      return new DiscoveryError("ERR_KUBERNETES_NODE_MISSING", `${source}: ${said || "not found"}`);
    case 410:
      return new DiscoveryError("ERR_KUBERNETES_EXPIRED", `${source}: ${said || "gone"}`);
    default:
      return new DiscoveryError(
        "ERR_KUBERNETES_UNAVAILABLE",
        `${source} answered ${status}${said && `: ${said}`}`,
      );
  }
}

/** What was thrown, as an error of this package. */
export function toKubernetesError(source: string, reason: unknown): DiscoveryError {
  if (isDiscoveryError(reason)) return reason;
  const text = reason instanceof Error ? reason.message : String(reason);
  return new DiscoveryError("ERR_KUBERNETES_UNAVAILABLE", `${source}: ${text}`, { cause: reason });
}

function forbidden(source: string, said: string): string {
  const [, kubelet, verb] = KUBELET.exec(said) ?? [];
  if (kubelet !== undefined) {
    return (
      `${source}: these are a kubelet's credentials ("${kubelet}"), which may not ${verb} other nodes since Kubernetes 1.32. ` +
      `Use those of a service account: apply ${MANIFEST}`
    );
  }
  return (
    `${source} refuses: ${said || "403"}. The account needs get, list and watch on nodes, and patch to tell of this node: ` +
    `apply ${MANIFEST}`
  );
}

function messageOf(text: string): string {
  let message = text;
  try {
    const status = JSON.parse(text) as { message?: unknown } | null;
    message = typeof status?.message === "string" ? status.message : "";
  } catch {
    // Plain text, of a proxy.
  }
  return message.replaceAll(/\s+/g, " ").trim().slice(0, MAX_MESSAGE_CHARACTERS);
}
