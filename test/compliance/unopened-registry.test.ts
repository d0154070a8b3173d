/** A registry whose file does not load at first, and is mended: from then on it is as good as any. */
import { UnopenedRegistry } from "../../src/cli/cluster/unopened-registry.ts";
import { DiscoveryError } from "../../src/errors.ts";
import { FakeApiServer } from "../harness/kubernetes/fake-api-server.ts";
import {
  LOCAL_NODE_ID,
  openKubernetesRegistry,
} from "../harness/kubernetes/kubernetes-under-test.ts";
import { discoveryRegistrySuite } from "../harness/registry/discovery-registry-suite.ts";

discoveryRegistrySuite("UnopenedRegistry", {
  nodeId: LOCAL_NODE_ID,
  publishes: true,
  breaks: true,
  async open() {
    const api = new FakeApiServer();
    const opened = await openKubernetesRegistry(api, api);
    let failuresLeft = 2;
    const registry = new UnopenedRegistry({
      name: "k8s",
      source: "kubeconfig",
      error: new DiscoveryError("ERR_KUBECONFIG_INVALID", "kubeconfig: is empty"),
      publishes: true,
      async open() {
        if (failuresLeft-- === 0) return opened.registry;
        throw new DiscoveryError("ERR_KUBECONFIG_INVALID", `kubeconfig: ${failuresLeft} to go`);
      },
      onRetry: () => {},
      sleep: async () => {},
    });
    return { ...opened, registry, breakSource: () => api.break(), mendSource: () => api.mend() };
  },
});
