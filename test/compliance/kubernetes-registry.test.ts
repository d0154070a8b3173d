/** The Kubernetes registry over an API server in memory. `npm run test:kubernetes` has the real one. */
import { FakeApiServer } from "../harness/kubernetes/fake-api-server.ts";
import {
  LOCAL_NODE_ID,
  openKubernetesRegistry,
} from "../harness/kubernetes/kubernetes-under-test.ts";
import { discoveryRegistrySuite } from "../harness/registry/discovery-registry-suite.ts";

discoveryRegistrySuite("KubernetesRegistry", {
  nodeId: LOCAL_NODE_ID,
  publishes: true,
  breaks: true,
  async open() {
    const api = new FakeApiServer();
    const opened = await openKubernetesRegistry(api, api);
    return { ...opened, breakSource: () => api.break(), mendSource: () => api.mend() };
  },
});
