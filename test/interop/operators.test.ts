/**
 * What operators ask services with: `grpcurl`, which knows nothing of ours but what reflection tells.
 * @module
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import { certificate, type Service } from "../harness/processes/services.ts";
import { Stage } from "../harness/processes/stage.ts";

const CALL_LIMIT_MS = 30_000;

/** @returns What it prints. */
async function grpcurl(service: Service, ...args: readonly string[]): Promise<string> {
  const security = service.tls ? ["-cacert", certificate("ca.pem")] : ["-plaintext"];
  const { stdout } = await promisify(execFile)(inject("binaries").grpcurl, [...security, ...args], {
    timeout: CALL_LIMIT_MS,
  });
  return stdout;
}

test.each([{ tls: false }, { tls: true }])(
  "grpcurl lists, describes and calls the service by its reflection (TLS: $tls)",
  async ({ tls }) => {
    await using stage = new Stage();
    const service = await stage.service("ts", { tls });
    const { endpoint } = service;
    expect((await grpcurl(service, endpoint, "list")).trim().split("\n")).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "sidero.discovery.server.Cluster",
    ]);
    const cluster = "sidero.discovery.server.Cluster";
    const description = await grpcurl(service, endpoint, "describe", cluster);
    for (const method of ["Hello", "AffiliateUpdate", "AffiliateDelete", "List", "Watch"]) {
      expect(description).toContain(`rpc ${method} (`);
    }
    expect(
      await grpcurl(
        service,
        endpoint,
        "describe",
        "sidero.discovery.server.AffiliateUpdateRequest",
      ),
    ).toContain("google.protobuf.Duration ttl");
    const hello = JSON.stringify({ clusterId: "c", clientVersion: "v1.0.0" });
    const answer = JSON.parse(await grpcurl(service, "-d", hello, endpoint, `${cluster}/Hello`));
    expect(answer).toEqual({ clientIp: "fwAAAQ==" });
    const update = JSON.stringify({ clusterId: "c", affiliateId: "a", ttl: "60s" });
    await grpcurl(service, "-d", update, endpoint, `${cluster}/AffiliateUpdate`);
    const list = await grpcurl(service, "-d", '{"clusterId":"c"}', endpoint, `${cluster}/List`);
    expect(JSON.parse(list)).toEqual({ affiliates: [{ id: "a" }] });
    const health = await grpcurl(service, endpoint, "grpc.health.v1.Health/Check");
    expect(JSON.parse(health)).toEqual({ status: "SERVING" });
  },
);
