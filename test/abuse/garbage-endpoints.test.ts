/**
 * A node's own endpoints displace those that others reported, so others cannot silence it.
 * @module
 */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { Target } from "../harness/net/attack.ts";
import { openStage } from "./harness/abuse-stage.ts";
import { FULL_CLUSTER } from "./harness/fill.ts";
import { callOnce, GRPC_OK } from "./harness/grpc-connection.ts";
import { ATTACKER, NEWCOMER } from "./harness/loopback-address.ts";
import {
  clusterRequest,
  type ListedAffiliate,
  listedAffiliates,
  type Update,
  updateRequest,
} from "./harness/messages.ts";

const VICTIM = { clusterId: "attacked", affiliateId: "victim" } as const;

function garbage(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, () => randomBytes(FULL_CLUSTER.endpointBytes));
}

async function publish(
  service: Target,
  address: string,
  update: Update,
): Promise<number | undefined> {
  return (await callOnce(service, address, "AffiliateUpdate", updateRequest(update))).status;
}

async function listedVictim(service: Target): Promise<ListedAffiliate | undefined> {
  const request = clusterRequest(VICTIM.clusterId);
  const { messages } = await callOnce(service, NEWCOMER, "List", request);
  return listedAffiliates(messages[0] ?? new Uint8Array(0)).find(({ id }) => id === "victim");
}

test.for([
  ["before its node comes", false],
  ["of a node that is there", true],
] as const)("64 garbage endpoints %s do not silence it", async ([, isThere]) => {
  const { service } = await openStage();
  const first = { data: Buffer.from("first"), endpoints: [Buffer.from("own endpoint 1")] };
  if (isThere) {
    expect(await publish(service, NEWCOMER, { ...VICTIM, ...first })).toBe(GRPC_OK);
  }
  // If the node is there, one too many; then as many as fit.
  await publish(service, ATTACKER, { ...VICTIM, endpoints: garbage(64) });
  await publish(service, ATTACKER, { ...VICTIM, endpoints: garbage(63) });

  const own = [Buffer.from("own endpoint 1"), Buffer.from("own endpoint 2")];
  const data = Buffer.from("second");
  const update = { ...VICTIM, data, endpoints: own };
  expect(await publish(service, NEWCOMER, update)).toBe(GRPC_OK);
  const listed = await listedVictim(service);
  expect(Buffer.from(listed?.data ?? []).toString()).toBe("second");
  const endpoints = listed?.endpoints.map((endpoint) => Buffer.from(endpoint).toString());
  expect(endpoints).toEqual(expect.arrayContaining(own.map(String)));
  expect(endpoints?.length).toBeLessThanOrEqual(FULL_CLUSTER.endpoints);

  // More garbage displaces nothing.
  await publish(service, ATTACKER, { ...VICTIM, endpoints: garbage(62) });
  await publish(service, ATTACKER, { ...VICTIM, endpoints: garbage(1) });
  const after = await listedVictim(service);
  expect(after?.endpoints.map((endpoint) => Buffer.from(endpoint).toString())).toEqual(
    expect.arrayContaining(own.map(String)),
  );
});
