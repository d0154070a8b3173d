/**
 * The service accounts of `deploy/kubernetes`.
 * @module
 */
import { readFile } from "node:fs/promises";
import { objectsOf } from "../../harness/kubernetes/chart.ts";
import type { KubeApi } from "../../harness/kubernetes/kube-api.ts";
import { DEPLOY } from "../../harness/paths.ts";

/** The file that makes each. */
const MANIFESTS = {
  "node-annotations": "node-annotations.yaml",
  "node-annotations-reader": "node-annotations-read-only.yaml",
} as const;

/** Applies the manifest of an account, and gets a token as `kubectl create token` does. */
export async function accountToken(api: KubeApi, account: keyof typeof MANIFESTS): Promise<string> {
  const text = await readFile(`${DEPLOY}/kubernetes/${MANIFESTS[account]}`, "utf8");
  for (const object of objectsOf(text)) {
    // Both manifests have the namespace.
    if ((await api.tryApply(object)).status === 201) await api.create(object);
  }
  const path = `/api/v1/namespaces/talos-discovery/serviceaccounts/${account}/token`;
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
  return (await api.call("POST", path, request)).body.status.token;
}
