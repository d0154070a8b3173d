/**
 * Nodes of a cluster as kubelets register them.
 * @module
 */
import type { KubeObject } from "./chart.ts";

/** What a `Node` has, besides its name. */
export interface NodeDetails {
  readonly annotations?: Readonly<Record<string, string | null>>;
  readonly isControlPlane?: boolean;
  readonly hostname?: string;
  readonly operatingSystem?: string;
}

/** A `Node` object as a kubelet makes it. */
export function nodeObject(name: string, details: NodeDetails = {}): KubeObject {
  const { annotations = {}, isControlPlane = false, hostname = name } = details;
  const addresses = [
    { type: "InternalIP", address: "172.20.0.2" },
    { type: "Hostname", address: hostname },
  ];
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        ...(isControlPlane ? { "node-role.kubernetes.io/control-plane": "" } : {}),
      },
      annotations: Object.fromEntries(
        Object.entries(annotations).flatMap(([name, value]) =>
          value === null ? [] : [[name, value]],
        ),
      ),
    },
    status: {
      addresses,
      nodeInfo: {
        machineID: "",
        systemUUID: "",
        bootID: "",
        kernelVersion: "6.12.0",
        containerRuntimeVersion: "containerd://2.1.0",
        kubeletVersion: "v1.34.3",
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: "amd64",
        osImage: details.operatingSystem ?? "Talos (v1.15.0)",
      },
    },
  };
}
