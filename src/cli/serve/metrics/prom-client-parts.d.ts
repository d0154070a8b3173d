/** Parts of prom-client's `collectDefaultMetrics`, one file each; it has no types for them. */
declare module "prom-client/lib/metrics/*.js" {
  import type { Registry } from "prom-client";

  const addMetrics: (registry: Registry) => void;
  export = addMetrics;
}
