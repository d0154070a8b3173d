/**
 * Builds Go programs once, into the ignored `.cache/deploy`.
 * @module
 */
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { buildGoOnce } from "../processes/go-build.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const CACHE = join(ROOT, ".cache/deploy");

/** The API server of Kubernetes. */
export function buildKubeApiServer(): Promise<string> {
  return buildGoProgram(
    "kube-apiserver",
    "test/kubernetes/kube-apiserver",
    "k8s.io/kubernetes/cmd/kube-apiserver",
  );
}

/**
 * A program's file has the state of its module in its name: another state is another file.
 *
 * @param module - Its folder in the repository.
 * @returns The program's path.
 */
export async function buildGoProgram(
  name: string,
  module: string,
  packageName: string,
): Promise<string> {
  const folder = join(ROOT, module);
  const files = (await readdir(folder)).sort();
  return buildGoOnce({ cache: CACHE, name, module: folder, packageName, files });
}
