/**
 * Those who follow a cluster and print a line for each change, as processes of their own.
 * @module
 */

import { OUR_CLI } from "../../test/harness/paths.ts";
import { LineProcess } from "../../test/harness/processes/line-process.ts";
import type { Place } from "../cases/discovery-peers.ts";

/** A host name that was printed. */
interface Sighting {
  readonly hostname: string;
  /** When its line was here, as `performance.now()`. */
  readonly atMs: number;
}

export interface Follower extends AsyncDisposable {
  readonly name: string;
  /** When a host name was printed for the first time. */
  sees(hostname: string): Promise<number>;
}

/** `talos-discovery get affiliates -w`, into a pipe. */
export function startGet({ service, clusterId, clusterSecret }: Place): Follower {
  const args = ["get", "affiliates", "-w", "--service", service, "--cluster-id", clusterId];
  const sightingOf = sightings((line) => /^[+ ] {3}\S+ +\d+ +(\S+)/.exec(line)?.[1]);
  const env = { TALOS_DISCOVERY_CLUSTER_SECRET: clusterSecret };
  return follower(
    "get -w",
    new LineProcess("get -w", process.execPath, [OUR_CLI, ...args], sightingOf, { env }),
  );
}

/** A program over the public Go client, which prints all that it knows as a line of JSON at each change. */
export function startGoClient(
  program: string,
  { service, clusterId, clusterSecret }: Place,
  nodeId: string,
): Follower {
  const endpoint = new URL(service).host;
  const sightingOf = sightings((line) => /"hostname":"([^"]+)"/.exec(line)?.[1]);
  const node = new LineProcess("Go client", program, ["node"], sightingOf);
  const clientVersion = "v1.0.0";
  node.send({ endpoint, clusterId, clusterSecret, nodeId, clientVersion, ttlMs: 60_000 });
  return follower("Go client", node);
}

function sightings(
  hostnameOf: (line: string) => string | undefined,
): (line: string) => Sighting | undefined {
  return (line) => {
    const atMs = performance.now();
    const hostname = hostnameOf(line);
    return hostname === undefined ? undefined : { hostname, atMs };
  };
}

function follower(name: string, process: LineProcess<Sighting>): Follower {
  return {
    name,
    sees: (hostname) =>
      process.until(
        hostname,
        () => process.events.findLast((event) => event.hostname === hostname)?.atMs,
      ),
    [Symbol.asyncDispose]: () => process.kill(),
  };
}
