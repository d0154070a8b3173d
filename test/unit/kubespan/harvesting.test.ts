import { describe, expect, test } from "vitest";
import { harvestEndpoints, otherEndpointsOf } from "../../../src/kubespan/harvesting.ts";
import { keyNamed, meshAffiliate } from "./mesh-affiliate.ts";

describe("harvested endpoints", () => {
  const affiliates = ["b", "a", "local", "c"].map((nodeId) => meshAffiliate(nodeId));

  test("are those of peers that are up, for the affiliates that they are", () => {
    const harvested = harvestEndpoints(
      new Map([
        [keyNamed("b"), { state: "up", endpoint: "192.0.2.2:1024" }],
        [keyNamed("a"), { state: "up", endpoint: "192.0.2.1:1024" }],
        [keyNamed("c"), { state: "down", endpoint: "192.0.2.3:1024" }],
        [keyNamed("stranger"), { state: "up", endpoint: "192.0.2.9:1024" }],
        [keyNamed("local"), { state: "up", endpoint: "192.0.2.8:1024" }],
      ]),
      affiliates,
      "local",
    );
    expect([...harvested]).toEqual([
      [keyNamed("a"), { affiliateId: "a", endpoint: "192.0.2.1:1024" }],
      [keyNamed("b"), { affiliateId: "b", endpoint: "192.0.2.2:1024" }],
    ]);
    expect(otherEndpointsOf(harvested)).toEqual([
      { nodeId: "a", endpoints: ["192.0.2.1:1024"] },
      { nodeId: "b", endpoints: ["192.0.2.2:1024"] },
    ]);
  });

  test("are none of a peer that is unknown, or has no endpoint", () => {
    const peers = new Map([
      [keyNamed("a"), { state: "up" as const }],
      [keyNamed("b"), { state: "unknown" as const, endpoint: "192.0.2.2:1024" }],
    ]);
    expect(harvestEndpoints(peers, affiliates).size).toBe(0);
  });
});
