/**
 * `diagnose` of both services, with nodes of both kinds in the cluster.
 * @module
 */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { OUR_CLI } from "../harness/paths.ts";
import { type Cluster, createCluster, NODE_KINDS } from "../harness/processes/nodes.ts";
import { certificate, SERVICE_KINDS, type Service } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

interface Document {
  readonly status: string;
  readonly services: readonly {
    readonly hops: readonly {
      readonly url: string;
      readonly checks: readonly {
        readonly name: string;
        readonly status: string;
        readonly summary: string;
        readonly details?: Readonly<Record<string, unknown>>;
      }[];
    }[];
  }[];
}

async function diagnose(
  service: Service,
  { clusterId, clusterSecret }: Cluster,
): Promise<{ readonly code: number | null; readonly document: Document }> {
  const args = [
    "diagnose",
    "--service",
    service.url,
    "--ca-file",
    certificate("ca.pem"),
    "-o",
    "json",
  ];
  const child = spawn(process.execPath, [OUR_CLI, ...args], {
    env: {
      PATH: process.env.PATH,
      TALOS_DISCOVERY_CLUSTER_ID: clusterId,
      TALOS_DISCOVERY_CLUSTER_SECRET: clusterSecret,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { document: JSON.parse(await text(child.stdout)) as Document, code: await code };
}

/** What was found at the last place, by the checks' names. */
function found({ services }: Document) {
  const checks = services[0]?.hops.at(-1)?.checks ?? [];
  return Object.fromEntries(checks.map((check) => [check.name, check]));
}

describe.each(SERVICE_KINDS)("diagnose of the %s service", (kind) => {
  test.each([false, true])("finds it well, with nodes of both kinds, TLS %s", async (tls) => {
    await using stage = new Stage();
    const service = await stage.service(kind, { tls });
    const cluster = createCluster();
    const nodes = NODE_KINDS.map((nodeKind) => stage.node(nodeKind, service, cluster));
    const published = nodes.map((node, index) =>
      node.publish({ hostname: `h${index}`, nodename: `n${index}`, addresses: ["10.0.0.1"] }, []),
    );
    for (const node of nodes) {
      await node.sees(...published.filter(({ nodeId }) => nodeId !== node.nodeId));
    }
    const { code, document } = await diagnose(service, cluster);
    expect(found(document)).toMatchObject({
      tls: { status: tls ? "ok" : "skipped" },
      http2: { status: "ok" },
      hello: { status: "ok" },
      redirect: { status: "ok" },
      "public-address": { status: "ok", details: { address: "127.0.0.1" } },
      "round-trip": { status: "ok" },
      watch: { status: "ok", details: { affiliates: 2 } },
      secret: { status: "ok", details: { unopened: [] } },
      members: { status: "ok", details: { members: 2 } },
      clock: { status: "ok" },
    });
    expect({ code, status: document.status }).toEqual({ code: 0, status: "ok" });
    const { clusterId } = cluster;
    expect(await stage.probe(service).call({ do: "list", clusterId })).toMatchObject({
      affiliateCount: 2,
    });
  });

  test("sees that the secret is another cluster's", async () => {
    await using stage = new Stage();
    const service = await stage.service(kind);
    const cluster = createCluster();
    const nodes = NODE_KINDS.map((nodeKind) => stage.node(nodeKind, service, cluster));
    const published = nodes.map((node) => node.publish({ hostname: "h" }, []));
    await nodes[0]?.sees(...published.slice(1));
    const { clusterSecret } = createCluster();
    const { code, document } = await diagnose(service, { ...cluster, clusterSecret });
    expect(found(document).secret).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("this is not the cluster's secret"),
    });
    expect(code).toBe(1);
  });

  test("follows its redirect to either service", async () => {
    await using stage = new Stage();
    for (const toKind of SERVICE_KINDS) {
      const to = await stage.service(toKind);
      const from = await stage.service(kind, { redirect: to.endpoint });
      const { code, document } = await diagnose(from, createCluster());
      expect(document.services[0]?.hops.map(({ url }) => `${url}/`)).toEqual([
        `${from.url}/`,
        to.url,
      ]);
      expect(found(document).watch).toMatchObject({
        status: "warning",
        details: { affiliates: 0 },
      });
      expect(code).toBe(0);
    }
  });

  test("says how to write the URL where TLS and plaintext are mixed up", async () => {
    await using stage = new Stage();
    const secure = await stage.service(kind, { tls: true });
    const plain = await stage.service(kind);
    const asPlain = { ...secure, url: `http://${secure.endpoint}` };
    const asSecure = { ...plain, url: `https://${plain.endpoint}` };
    expect(found((await diagnose(asPlain, createCluster())).document).http2).toMatchObject({
      status: "failed",
      summary: "the server speaks TLS here",
    });
    expect(found((await diagnose(asSecure, createCluster())).document).tls).toMatchObject({
      status: "failed",
      summary: expect.stringMatching(/does not speak TLS|handshake failed/),
    });
  });
});
