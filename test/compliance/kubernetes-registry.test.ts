/** The Kubernetes registry over an API server in memory. `npm run test:kubernetes` has the real one. */
import { FakeApiServer } from "../unit/kubernetes/fake-api-server.ts";
import { discoveryRegistrySuite } from "./discovery-registry-suite.ts";
import { LOCAL_NODE_ID, openKubernetesRegistry } from "./kubernetes-under-test.ts";

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
