/**
 * The plain manifests: the chart with its defaults, without what only helm needs.
 * @module
 */
import { stringify } from "yaml";
import { type KubeObject, objectsOf, template } from "../../harness/kubernetes/chart.ts";

const HEAD = `# The chart with its defaults, for those who do not use helm: kubectl apply --filename deploy/kubernetes/talos-discovery.yaml
# Written by \`npm run gen:manifests\`. The image is built with deploy/Dockerfile; put its name in.
# A service of type LoadBalancer or NodePort needs externalTrafficPolicy: Local too, which the chart sets.
`;

const NAMESPACE: KubeObject = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: {
    name: "talos-discovery",
    labels: { "pod-security.kubernetes.io/enforce": "restricted" },
  },
};

/** What belongs into `deploy/kubernetes/talos-discovery.yaml`. */
export async function plainManifests(helm: string): Promise<string> {
  const objects = objectsOf(await template(helm)).map(withNamespace);
  const documents = [NAMESPACE, ...objects].map(withoutHelm);
  return HEAD + documents.map((object) => `---\n${stringify(object, { lineWidth: 0 })}`).join("");
}

function withNamespace(object: KubeObject): KubeObject {
  const { name, ...metadata } = object.metadata;
  return { ...object, metadata: { name, namespace: "talos-discovery", ...metadata } };
}

/** Nor anything with which helm would take the objects for its own. */
function withoutHelm(object: KubeObject): KubeObject {
  const labels = Object.entries(object.metadata.labels ?? {}).filter(
    ([name]) => name !== "helm.sh/chart" && name !== "app.kubernetes.io/managed-by",
  );
  return { ...object, metadata: { ...object.metadata, labels: Object.fromEntries(labels) } };
}
