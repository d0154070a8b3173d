/**
 * Reaches the nodes of a Kubernetes cluster with the credentials of a kubeconfig file, or of the
 * pod that this runs in.
 * @see docs/kubernetes.md
 * @module
 */
import type { SignalOptions } from "../../async/waits.ts";
import { DiscoveryError, isDiscoveryError } from "../../errors.ts";
import type { NodeApi } from "../../sources/kubernetes/node-api.ts";
import { nodeApiOver } from "../../sources/kubernetes/node-requests.ts";
import { sendTo } from "./kubernetes-connection.ts";
import type { KubernetesCredentials } from "./kubernetes-credentials.ts";

const PACKAGE = "@kubernetes/client-node";

/** Where credentials come from. `signal` ends the wait for a kubeconfig that is a FIFO. */
export interface CreateNodeApiOptions extends SignalOptions {
  /** Path of a kubeconfig file. @default the service account of the pod that this runs in */
  readonly kubeconfig?: string | undefined;
  /** One of the file's contexts. @default its `current-context` */
  readonly context?: string | undefined;
}

/**
 * Makes what a `KubernetesRegistry` reads and writes nodes with. Nothing is connected yet.
 *
 * Certificates, tokens, token files, exec plugins, OpenID Connect and proxies of a kubeconfig work
 * as `@kubernetes/client-node` has them, an optional package that is loaded here. Credentials that
 * the server does not accept are read again before the next attempt, so that a file may be
 * replaced.
 *
 * @throws {DiscoveryError} `ERR_FILE_UNREADABLE`; `ERR_KUBECONFIG_INVALID`, naming file and line;
 * `ERR_PACKAGE_MISSING` where `@kubernetes/client-node` is not installed.
 * @example
 * const nodes = await createNodeApi({ kubeconfig: "kubeconfig" });
 * const registry = new KubernetesRegistry({ nodes });
 */
export async function createNodeApi(options: CreateNodeApiOptions = {}): Promise<NodeApi> {
  const { readKubeconfig, readServiceAccount } = await loadCredentialsModule();
  const { kubeconfig, context, signal } = options;
  return nodeApiWith(() =>
    kubeconfig === undefined ? readServiceAccount() : readKubeconfig(kubeconfig, context, signal),
  );
}

/** @param read - Called at once, and again after the server has not accepted what it gave. */
export async function nodeApiWith(read: () => Promise<KubernetesCredentials>): Promise<NodeApi> {
  const first = await read();
  let current: KubernetesCredentials | undefined = first;
  return nodeApiOver(first.source, async (request) => {
    current ??= await read();
    const credentials = current;
    try {
      const response = await sendTo(credentials, request);
      if (response.status === 401) current = undefined;
      return response;
    } catch (error) {
      if (isDiscoveryError(error) && error.code === "ERR_KUBERNETES_UNAUTHORIZED") {
        current = undefined;
      }
      throw error;
    }
  });
}

async function loadCredentialsModule(): Promise<typeof import("./kubernetes-credentials.ts")> {
  try {
    return await import("./kubernetes-credentials.ts");
  } catch (cause) {
    // Runtimes word it each in its own way, and all name the package.
    if (!(cause instanceof Error && cause.message.includes(PACKAGE))) throw cause;
    throw new DiscoveryError(
      "ERR_PACKAGE_MISSING",
      `Kubernetes needs a package that is not installed: npm install ${PACKAGE}`,
      { cause },
    );
  }
}
