import { StaticRegistry } from "../../src/discovery/static-registry.ts";
import { discoveryRegistrySuite } from "./discovery-registry-suite.ts";

discoveryRegistrySuite("StaticRegistry", {
  open: () => {
    const registry = new StaticRegistry({ affiliates: [] });
    return { registry, setSource: (affiliates) => registry.replace(affiliates) };
  },
});
