import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiscoveryError } from "../../src/errors.ts";
import { watchStaticMembers } from "../../src/node/files/static-file.ts";
import type { AffiliateSpec } from "../../src/resources/affiliate.ts";
import { StaticRegistry } from "../../src/sources/static/static-registry.ts";
import { discoveryRegistrySuite } from "../harness/registry/discovery-registry-suite.ts";

discoveryRegistrySuite("StaticRegistry", {
  breaks: true,
  open: () => {
    const registry = new StaticRegistry({ affiliates: [] });
    return {
      registry,
      setSource: (affiliates) => registry.replace(affiliates),
      breakSource: () => registry.fail(new DiscoveryError("ERR_FILE_UNREADABLE", "gone")),
      mendSource: () => registry.replace([...registry.affiliates.values()]),
    };
  },
});

discoveryRegistrySuite("a file of members", {
  breaks: true,
  open: async () => {
    const folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
    const path = join(folder, "hosts.json");
    let text = "[]";
    await writeFile(path, text);
    const file = await watchStaticMembers(path);
    const write = async (content: string) => {
      await writeFile(path, content);
      await file.look();
    };
    return {
      registry: file.registry,
      setSource: (affiliates) => {
        text = JSON.stringify(affiliates.map(asWritten));
        return write(text);
      },
      breakSource: () => write(`${text.slice(0, -1)},`),
      mendSource: () => write(text),
      close: async () => {
        file.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});

/** An affiliate as people write it: its endpoints stand beside its mesh, not in it. */
function asWritten({ kubespan, ...affiliate }: AffiliateSpec): object {
  if (kubespan === undefined) return affiliate;
  const { endpoints, ...mesh } = kubespan;
  return { ...affiliate, endpoints, kubespan: mesh };
}
