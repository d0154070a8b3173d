import { expect, test } from "vitest";
import { createAffiliateSpec } from "../../../src/resources/affiliate.ts";
import { membersOf } from "../../../src/resources/member.ts";

test("a member is an affiliate with a node name, and is called by it", () => {
  const members = membersOf([
    createAffiliateSpec({ nodeId: "A" }),
    createAffiliateSpec({
      nodeId: "B",
      nodename: "worker-1",
      hostname: "worker-1.example",
      addresses: ["10.0.0.1"],
      operatingSystem: "Talos (v1.15.0)",
      endpoints: ["10.0.0.1:51820"],
    }),
  ]);
  expect([...members]).toStrictEqual([
    [
      "worker-1",
      {
        nodeId: "B",
        addresses: ["10.0.0.1"],
        hostname: "worker-1.example",
        machineType: "worker",
        operatingSystem: "Talos (v1.15.0)",
      },
    ],
  ]);
});

test("the API server's port of a control plane node is kept", () => {
  const members = membersOf([
    createAffiliateSpec({
      nodeId: "A",
      nodename: "cp-1",
      machineType: "controlplane",
      controlPlane: { port: 6443 },
    }),
  ]);
  expect(members.get("cp-1")?.controlPlane).toStrictEqual({ port: 6443 });
});

test("two affiliates of one node name give the same member in any order", () => {
  const older = createAffiliateSpec({ nodeId: "A", nodename: "worker-1" });
  const newer = createAffiliateSpec({ nodeId: "B", nodename: "worker-1" });
  expect(membersOf([older, newer]).get("worker-1")?.nodeId).toBe("B");
  expect(membersOf([newer, older]).get("worker-1")?.nodeId).toBe("B");
});

test("an unchanged affiliate gives the same member object", () => {
  const affiliate = createAffiliateSpec({ nodeId: "A", nodename: "worker-1" });
  expect(membersOf([affiliate]).get("worker-1")).toBe(membersOf([affiliate]).get("worker-1"));
});
