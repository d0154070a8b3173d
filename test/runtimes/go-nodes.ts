/**
 * Nodes of the public Go client against a service under another runtime. The interop tests build and drive them.
 * @module
 */
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { generateNodeId } from "../../src/identity/index.ts";
import { buildBinaries } from "../harness/go/binaries.ts";
import { LineProcess } from "../harness/processes/line-process.ts";
import { runTests, type TestResult } from "./harness.ts";
import type { ServiceUrls } from "./runtimes.ts";

interface NodeEvent {
  readonly event: "affiliates" | "stopped";
  readonly affiliates?: readonly unknown[];
}

/** @throws Where Go is not installed. */
export async function goNodesMeet({ url }: ServiceUrls): Promise<TestResult[]> {
  const { interop } = await buildBinaries();
  return runTests(({ test }) => {
    test("the Go client: a watch sees another node come and go", async () => {
      const config = {
        endpoint: new URL(url).host,
        clusterId: randomBytes(32).toString("base64"),
        clusterSecret: randomBytes(32).toString("base64"),
        clientVersion: "v1.15.0",
        ttlMs: 60_000,
      };
      await using watching = new LineProcess<NodeEvent>("watching", interop, ["node"]);
      await using coming = new LineProcess<NodeEvent>("coming", interop, ["node"]);
      watching.send({ ...config, nodeId: generateNodeId() });
      const nodeId = generateNodeId();
      coming.send({ ...config, nodeId });

      const affiliate = { nodeId, nodename: "worker-1", addresses: ["192.0.2.1"] };
      const endpoints = ["192.0.2.1:51820"];
      coming.send({ do: "publish", affiliate, endpoints, otherEndpoints: [] });
      await sees(watching, [{ ...affiliate, endpoints }]);
      coming.send({ do: "withdraw" });
      await sees(watching, []);
    });
  });
}

async function sees(node: LineProcess<NodeEvent>, affiliates: readonly unknown[]): Promise<void> {
  const last = () => node.events.findLast(({ event }) => event === "affiliates")?.affiliates ?? [];
  await node.until(`exactly ${JSON.stringify(affiliates)}`, () =>
    isDeepStrictEqual(last(), affiliates) ? true : undefined,
  );
}
