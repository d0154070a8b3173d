/**
 * The chart, rendered.
 * @module
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { CHART } from "../paths.ts";

/** The version of the API server of the tests; `helm` has none of its own when it is built without its release script. */
export const KUBE_VERSION = "1.34.3";

/** An object of Kubernetes, as far as tests look into it. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what they know is there.
  readonly [field: string]: any;
}

/** Values that switch on everything that the chart can make. */
export const EVERYTHING = [
  "tls.secretName=discovery-tls",
  "tls.clientCaSecretName=clients",
  "allowList.enabled=true",
  "allowList.clusterIds={b3VyIGNsdXN0ZXI=,c2Vjb25k}",
  "ingress.enabled=true",
  "ingress.className=nginx",
  "ingress.tlsSecretName=ingress-tls",
  "serviceMonitor.enabled=true",
  "serviceMonitor.labels.release=prometheus",
  "service.type=LoadBalancer",
  "service.externalTrafficPolicy=Local",
  "podDisruptionBudget.minAvailable=1",
  "persistence.storageClassName=fast",
  "priorityClassName=system-cluster-critical",
  "config.trusted-proxies={10.0.0.0/8,fd00::/8}",
  "config.cors-origin={https://page.example,*}",
  "config.max-clusters=2000000",
  "imagePullSecrets[0].name=registry",
  "networkPolicy.clients[0].ipBlock.cidr=10.0.0.0/8",
] as const;

/** `helm template`'s text. Rejects with what helm says. */
export async function template(helm: string, values: readonly string[] = []): Promise<string> {
  const { stdout } = await promisify(execFile)(helm, [
    ...["template", "talos-discovery", CHART, "--namespace", "talos-discovery"],
    ...["--kube-version", KUBE_VERSION],
    ...values.flatMap((value) => ["--set", value]),
  ]);
  return stdout;
}

/** The objects of a rendered chart, or of a file of manifests. */
export function objectsOf(text: string): KubeObject[] {
  return parseAllDocuments(text)
    .map((document) => {
      const [error] = document.errors;
      if (error !== undefined) throw error;
      return document.toJS() as KubeObject | null;
    })
    .filter((object) => object !== null);
}

/** The one object of a kind. */
export function objectOf(objects: readonly KubeObject[], kind: string): KubeObject {
  const [object, ...more] = objects.filter((candidate) => candidate.kind === kind);
  if (object === undefined || more.length > 0) throw new Error(`${1 + more.length} of ${kind}`);
  return object;
}
