/** "Why not this node?" */

import { describe, expect, test } from "vitest";
import type { ServiceDiagnosis } from "../../../../src/cli/diagnose/diagnose-service.ts";
import { diagnoseNode } from "../../../../src/cli/diagnose/node-finding.ts";
import { unusedPort } from "../../../harness/net/unused-port.ts";
import { diagnose, OTHER_SECRET, publish, startTestService } from "./diagnose-harness.ts";

const WORKER = { nodename: "worker-1", hostname: "worker-1.example", addresses: ["10.0.0.1"] };

async function named(name: string, url: string): Promise<ServiceDiagnosis> {
  return { ...(await diagnose(url)), name };
}

describe("a node", () => {
  test("that is a member is found by node ID, node name, hostname and the latter's first label", async () => {
    const { url } = await startTestService();
    const nodeId = await publish(url, WORKER);
    const services = [await named("primary", url)];
    for (const name of [nodeId, "worker-1", "worker-1.example"]) {
      expect(diagnoseNode(name, services)).toEqual({
        node: name,
        status: "ok",
        summary: `${name} is a member, with 10.0.0.1`,
        services: [
          {
            service: "primary",
            state: "member",
            nodeId,
            nodeName: "worker-1",
            hostname: "worker-1.example",
            addresses: ["10.0.0.1"],
            endpoints: ["192.0.2.1:51820"],
          },
        ],
      });
    }
  });

  test("that one service lacks is a warning that names it", async () => {
    const first = await startTestService();
    const second = await startTestService();
    await publish(first.url, WORKER);
    const services = [await named("one", first.url), await named("two", second.url)];
    expect(diagnoseNode("worker-1", services)).toMatchObject({
      status: "warning",
      summary: expect.stringContaining("not listed by two"),
      hint: expect.stringContaining("in the node's configuration"),
      services: [{ state: "member" }, { state: "not-listed" }],
    });
  });

  test("without a node name waits for its kubelet", async () => {
    const { url } = await startTestService();
    await publish(url, { hostname: "worker-2" });
    expect(diagnoseNode("worker-2", [await named("one", url)])).toMatchObject({
      status: "warning",
      hint: expect.stringContaining("kubelet"),
      services: [{ state: "no-node-name", hostname: "worker-2", nodeName: null }],
    });
  });

  test("that does not open has another secret", async () => {
    const { url } = await startTestService();
    await publish(url, WORKER);
    const nodeId = await publish(url, WORKER, OTHER_SECRET);
    expect(diagnoseNode(nodeId, [await named("one", url)])).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("does not open with this secret"),
      hint: expect.stringContaining("compare its machine configuration"),
      services: [{ state: "sealed", nodeId }],
    });
  });

  test("whose name another one has too is perhaps two installations of one machine", async () => {
    const { url } = await startTestService();
    const nodeIds = [await publish(url, WORKER), await publish(url, WORKER)];
    expect(diagnoseNode("worker-1", [await named("one", url)])).toMatchObject({
      status: "warning",
      summary: `2 nodes are called worker-1: ${nodeIds.join(", ")}`,
      hint: expect.stringContaining("forget"),
      services: nodeIds.map((nodeId) => ({ state: "member", nodeId })),
    });
  });

  test("that nobody lists has not published", async () => {
    const { url } = await startTestService();
    expect(diagnoseNode("worker-9", [await named("one", url)])).toMatchObject({
      status: "failed",
      summary: "worker-9 is listed by no service",
      hint: expect.stringContaining("It has not published"),
    });
  });

  test("is not known where no service could be asked", async () => {
    const url = `http://127.0.0.1:${await unusedPort()}`;
    expect(diagnoseNode("worker-1\u001b[2J", [await named("one", url)])).toMatchObject({
      node: "worker-1\\u001b[2J",
      status: "failed",
      summary: "worker-1\\u001b[2J: no service could be asked",
      services: [{ state: "unknown" }],
    });
  });
});
