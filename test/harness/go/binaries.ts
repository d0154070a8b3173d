/**
 * The Go programs that services and nodes of ours meet in tests and benchmarks.
 * @module
 */
import { join } from "node:path";
import { buildGoProgram } from "./go-build.ts";

const INTEROP_MODULE = join(import.meta.dirname, "interop");
const GRPCURL_MODULE = join(import.meta.dirname, "grpcurl");
const KUBE_API_SERVER_MODULE = join(import.meta.dirname, "kube-apiserver");

/** Paths of the built programs. */
export interface Binaries {
  /** The reference service: a test peer, never shipped. */
  readonly service: string;
  /** The reference's tool that prints a snapshot file as JSON. */
  readonly decoder: string;
  /** The programs of `interop`. */
  readonly interop: string;
  /** What people call gRPC services with, by their reflection. */
  readonly grpcurl: string;
}

/** Builds what is missing: ours for each state of their sources, all others for each `go.sum`. */
export async function buildBinaries(): Promise<Binaries> {
  const reference = "github.com/siderolabs/discovery-service/cmd";
  return {
    service: await buildPeer("discovery-service", `${reference}/discovery-service`),
    decoder: await buildPeer("snapshot-decoder", `${reference}/snapshot-decoder`),
    interop: await buildPeer("interop", "."),
    grpcurl: await buildPeer(
      "grpcurl",
      "github.com/fullstorydev/grpcurl/cmd/grpcurl",
      GRPCURL_MODULE,
    ),
  };
}

function buildPeer(name: string, packageName: string, module = INTEROP_MODULE): Promise<string> {
  return buildGoProgram({ name, module, packageName, cache: "interop" });
}

/** The API server of Kubernetes. */
export function buildKubeApiServer(): Promise<string> {
  return buildGoProgram({
    name: "kube-apiserver",
    module: KUBE_API_SERVER_MODULE,
    packageName: "k8s.io/kubernetes/cmd/kube-apiserver",
    cache: "deploy",
  });
}
