/**
 * The nodes of a cluster from its administrator's side, and kubeconfig files for those who look at them.
 * @module
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { KubeApi } from "./kube-api.ts";

export { type NodeDetails, nodeObject } from "./node-object.ts";

/** How a kubeconfig says who one is. */
export type KubeconfigUser = Readonly<Record<string, unknown>>;

/** A kubeconfig file in `folder`, which says how to reach `api` as `user`. Its path. */
export async function writeKubeconfig(
  folder: string,
  api: KubeApi,
  user: KubeconfigUser,
  cluster: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const path = join(folder, "kubeconfig");
  const ca = await readFile(api.certificate);
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "me" } }],
    clusters: [
      {
        name: "test",
        cluster: {
          server: api.url,
          "certificate-authority-data": ca.toString("base64"),
          ...cluster,
        },
      },
    ],
    users: [{ name: "me", user }],
  };
  await writeFile(path, stringify(config), { mode: 0o600 });
  return path;
}

export const NODES = "/api/v1/nodes";

export async function patchNode(api: KubeApi, name: string, patch: object): Promise<void> {
  const answer = await api.call("PATCH", `${NODES}/${name}`, patch, "application/merge-patch+json");
  if (answer.status !== 200) throw new Error(`${name}: ${JSON.stringify(answer.body)}`);
}

export async function deleteNode(api: KubeApi, name: string): Promise<void> {
  const { status, body } = await api.call("DELETE", `${NODES}/${name}`);
  if (status !== 200) throw new Error(`${name}: ${JSON.stringify(body)}`);
}

/** All annotations of a node. */
export async function annotationsOf(api: KubeApi, name: string): Promise<Record<string, string>> {
  const { status, body } = await api.call("GET", `${NODES}/${name}`);
  if (status !== 200) throw new Error(`${name}: ${JSON.stringify(body)}`);
  return body.metadata.annotations ?? {};
}

export async function deleteAllNodes(api: KubeApi): Promise<void> {
  const { status, body } = await api.call("DELETE", NODES);
  if (status !== 200) throw new Error(JSON.stringify(body));
}
