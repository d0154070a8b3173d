/**
 * What every registry does, checked on ours, with any test runner: `node --test own-registry.test.ts`.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { discoveryRegistryCases, type RegistryUnderTest } from "talos-discovery/discovery";
import { InventoryRegistry } from "./own-registry.ts";

/** A registry over an inventory of its own, which the cases fill, break and mend. */
async function open(): Promise<RegistryUnderTest> {
  let hosts: object[] = [];
  let isBroken = false;
  const inventory = createServer((_request, response) => {
    response.writeHead(isBroken ? 503 : 200, { connection: "close" });
    response.end(JSON.stringify(hosts));
  });
  await once(inventory.listen(0, "127.0.0.1"), "listening");
  const { port } = inventory.address() as AddressInfo;
  return {
    registry: new InventoryRegistry(`http://127.0.0.1:${port}/`, { intervalMs: 10 }),
    setSource: (affiliates) => {
      hosts = affiliates.map(({ kubespan, ...host }) => ({
        ...host,
        kubespan,
        endpoints: kubespan?.endpoints,
      }));
    },
    breakSource: () => {
      isBroken = true;
    },
    mendSource: () => {
      isBroken = false;
    },
    close: async () => {
      await once(inventory.close(), "close");
    },
  };
}

for (const { name, run } of discoveryRegistryCases({ open, breaks: true })) test(name, run);
