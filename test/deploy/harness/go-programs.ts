/**
 * The Go programs that judge what is in `deploy/`, built once.
 * @module
 */
import { buildGoProgram, buildKubeApiServer } from "../../harness/kubernetes/go-build.ts";

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
    helm: await buildGoProgram("helm", "test/deploy/helm", "helm.sh/helm/v3/cmd/helm"),
    compose: await buildGoProgram("compose", "test/deploy/compose", "."),
    kubeApiServer: await buildKubeApiServer(),
  };
}
