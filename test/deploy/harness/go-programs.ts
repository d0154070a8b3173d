/**
 * The Go programs that judge what is in `deploy/`, built once.
 * @module
 */
import { resolve } from "node:path";
import { buildKubeApiServer } from "../../harness/go/binaries.ts";
import { buildGoProgram } from "../../harness/go/go-build.ts";

/** Paths of the built programs. */
export interface Programs {
  readonly helm: string;
  readonly kubeApiServer: string;
  /** Loads Compose files as the Compose command does: `test/deploy/compose`. */
  readonly compose: string;
}

/** Builds what is missing. */
export async function buildPrograms(): Promise<Programs> {
  return {
    helm: await build("helm", "helm.sh/helm/v3/cmd/helm"),
    compose: await build("compose", "."),
    kubeApiServer: await buildKubeApiServer(),
  };
}

/** The module is the folder of the program's name in `test/deploy`. */
function build(name: string, packageName: string): Promise<string> {
  const module = resolve(import.meta.dirname, "..", name);
  return buildGoProgram({ name, module, packageName, cache: "deploy" });
}
