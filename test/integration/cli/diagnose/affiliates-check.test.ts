/** What a service lists, opened with a secret that is right, wrong, or right for some. */
import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { checkSecret, checkWatch } from "../../../../src/cli/diagnose/affiliates-check.ts";
import { createClusterCipher } from "../../../../src/crypto/index.ts";
import { encodeAffiliate, encodeEndpoint } from "../../../../src/protocol/index.ts";
import { grpcClient } from "../../../harness/service/test-service.ts";
import {
  CLUSTER_ID,
  checkOf,
  diagnose,
  diagnoseCheck,
  OTHER_SECRET,
  openClient,
  publish,
  SECRET,
  startSilentHttp2,
  startTestService,
} from "./diagnose-harness.ts";

const WORKER = { nodename: "worker-1", hostname: "worker-1" };

describe("the watch", () => {
  test("is ok when its first message has come, and counts affiliates", async () => {
    const { url } = await startTestService();
    await publish(url, WORKER);
    await publish(url, WORKER);
    const check = await diagnoseCheck("watch", url);
    expect(check).toMatchObject({ status: "ok", details: { affiliates: 2 } });
    expect(check.summary).toMatch(/^2 affiliates, first message after \d+ ms$/);
  });

  test("of nobody asks whether it is the right cluster", async () => {
    const { url } = await startTestService();
    await publish(url, WORKER);
    expect(await diagnoseCheck("watch", url, { clusterId: "another" })).toMatchObject({
      status: "warning",
      summary: expect.stringContaining("0 affiliates"),
      hint: expect.stringContaining("cluster's ID"),
    });
  });

  test("that has no first message blames what holds streams back", async () => {
    const client = openClient(await startSilentHttp2());
    const options = { timeoutMs: 10_000 };
    const { finding } = await checkWatch(client, CLUSTER_ID, options, AbortSignal.timeout(50));
    expect(finding).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("DeadlineExceeded"),
      hint: expect.stringContaining("switch off buffering"),
    });
  });

  test("that the service refuses is the service's message", async () => {
    const { url } = await startTestService({ ceilings: { maxWatchesPerClient: 1 } });
    const watching = new AbortController();
    onTestFinished(() => watching.abort());
    const client = grpcClient(url);
    const other = client.watch({ clusterId: "other" }, { signal: watching.signal });
    await other[Symbol.asyncIterator]().next();
    expect(await diagnoseCheck("watch", url)).toMatchObject({
      status: "failed",
      details: { code: "ResourceExhausted" },
      hint: expect.stringContaining("raise its limits"),
    });
  });
});

describe("the secret", () => {
  test("that opens all is ok", async () => {
    const { url } = await startTestService();
    const nodeIds = [await publish(url, WORKER), await publish(url, WORKER)];
    expect(await diagnoseCheck("secret", url)).toMatchObject({
      status: "ok",
      summary: "seals, and opens all 2 affiliates",
      details: { opened: nodeIds, unopened: [] },
    });
  });

  test("of another cluster opens none", async () => {
    const { url } = await startTestService();
    const nodeId = await publish(url, WORKER);
    const diagnosis = await diagnose(url, { clusterSecret: OTHER_SECRET });
    expect(checkOf(diagnosis, "secret")).toMatchObject({
      status: "failed",
      summary: "opens none of 1 affiliate: this is not the cluster's secret",
      hint: expect.stringContaining(".cluster.secret"),
      details: { opened: [], unopened: [{ nodeId, reason: "affiliate_tag_mismatch" }] },
    });
    expect(checkOf(diagnosis, "members").blockedBy).toBe("secret");
    expect(JSON.stringify(diagnosis)).not.toContain(OTHER_SECRET);
  });

  test("that opens some names the others", async () => {
    const { url } = await startTestService();
    const good = await publish(url, WORKER);
    const other = await publish(url, WORKER, OTHER_SECRET);
    expect(await diagnoseCheck("secret", url)).toMatchObject({
      status: "warning",
      summary: `opens 1 of 2 affiliates; not ${other} (sealed with another secret)`,
      hint: expect.stringContaining("another cluster secret"),
      details: { opened: [good], unopened: [{ nodeId: other }] },
    });
  });

  test("is no worse for an affiliate without data", async () => {
    const { url, registry } = await startTestService();
    await publish(url, WORKER);
    await registry.update({
      clusterId: CLUSTER_ID,
      affiliateId: "only-endpoints",
      endpoints: [new Uint8Array(16)],
      ttlMs: 60_000,
    });
    expect(await diagnoseCheck("secret", url)).toMatchObject({
      status: "ok",
      summary: "seals, and opens the one affiliate",
      details: { unopened: [{ nodeId: "only-endpoints", reason: "no_data_yet" }] },
    });
  });

  test("that is not as encoders write it is taken, with a notice", async () => {
    const { url } = await startTestService();
    await publish(url, WORKER);
    expect(await diagnoseCheck("secret", url, { isSecretCanonical: false })).toMatchObject({
      status: "warning",
      summary:
        "seals, and opens the one affiliate; the secret's last digit is not the one that base64 encoders write",
      hint: expect.stringContaining("the same 32 bytes"),
    });
  });

  test("opens endpoints with any padding, with a notice of padding that is not zero", () => {
    const cipher = createClusterCipher(SECRET);
    const data = (nodeId: string) => cipher.sealAffiliate(encodeAffiliate({ nodeId }));
    const endpoint = encodeEndpoint("192.0.2.1:51820");
    const zeros = cipher.sealEndpoint(endpoint);
    const padded = new Uint8Array(16).fill(7);
    padded.set([endpoint.length, ...endpoint]);
    const ecb = createCipheriv("aes-256-ecb", Buffer.from(SECRET, "base64"), null);
    const others = ecb.setAutoPadding(false).update(padded);
    const good = { id: "a", data: data("a"), endpoints: [zeros] };
    expect(checkSecret([good], SECRET).finding.status).toBe("ok");
    const { finding, value } = checkSecret(
      [good, { id: "b", data: data("b"), endpoints: [zeros, others] }],
      SECRET,
    );
    expect(finding).toMatchObject({
      status: "warning",
      summary: "seals, and opens all 2 affiliates; endpoints with padding that is not zero, of b",
      hint: expect.stringContaining("changed on the way"),
    });
    expect(value?.opened.map(({ endpoints }) => endpoints)).toEqual([
      ["192.0.2.1:51820"],
      ["192.0.2.1:51820", "192.0.2.1:51820"],
    ]);
  });

  test("any bytes under any ID give a finding of bounded length", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            id: fc.string({ unit: "binary", maxLength: 300 }),
            data: fc.uint8Array({ maxLength: 200 }),
            endpoints: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 }),
          }),
          { maxLength: 10 },
        ),
        (listed) => {
          const { finding } = checkSecret(listed, SECRET);
          expect(finding.summary.length).toBeLessThan(700);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
          expect(finding.summary).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
        },
      ),
    );
  });
});

describe("members", () => {
  test("are affiliates with a node name", async () => {
    const { url } = await startTestService();
    await publish(url, WORKER);
    expect(await diagnoseCheck("members", url)).toMatchObject({
      status: "ok",
      summary: "1 member",
      details: { members: 1, withoutNodeName: [], sameNodeName: [] },
    });
  });

  test("are odd where two have one name", async () => {
    const { url } = await startTestService();
    const nodeIds = [await publish(url, WORKER), await publish(url, WORKER)];
    expect(await diagnoseCheck("members", url)).toMatchObject({
      status: "warning",
      summary: "1 member; more than one node is called worker-1",
      hint: expect.stringContaining("forget"),
      details: { sameNodeName: [{ nodeName: "worker-1", nodeIds }] },
    });
  });

  test("are not those whose kubelet is not up", async () => {
    const { url } = await startTestService();
    await publish(url, WORKER);
    const nodeId = await publish(url, { hostname: "worker-2" });
    expect(await diagnoseCheck("members", url)).toMatchObject({
      status: "warning",
      summary: "1 member; no node name yet: worker-2",
      hint: expect.stringContaining("kubelet"),
      details: { members: 1, withoutNodeName: [nodeId] },
    });
  });
});
