import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { generateKubeSpanIdentity, kubespanIdentity } from "../../../src/kubespan/identity.ts";
import { publicKeyOf } from "../../../src/kubespan/keys.ts";

const PLACE = {
  clusterId: "8XuV9TZHW08DOk3bVxQjH9ih_TBKjnh-j44tsCLSBzo=",
  mac: "2e:1a:b6:53:81:69",
};

describe("an identity in the mesh", () => {
  test("has the address of its cluster and network card, and a key of its own", () => {
    const identity = generateKubeSpanIdentity(PLACE);
    expect(identity).toMatchObject({
      address: "fd7f:175a:b97c:5602:2c1a:b6ff:fe53:8169/128",
      subnet: "fd7f:175a:b97c:5602::/64",
      publicKey: publicKeyOf(identity.privateKey),
    });
    expect(generateKubeSpanIdentity(PLACE).publicKey).not.toBe(identity.publicKey);
  });

  test("shows its private key to nobody who does not ask for it", () => {
    const identity = generateKubeSpanIdentity(PLACE, (bytes) => new Uint8Array(bytes).fill(7));
    expect(identity.privateKey).toHaveLength(44);
    for (const text of [
      JSON.stringify(identity),
      inspect(identity),
      `${Object.values(identity)}`,
    ]) {
      expect(text).not.toContain(identity.privateKey);
    }
    const { address, subnet, privateKey } = identity;
    expect(kubespanIdentity({ address, subnet, privateKey })).toEqual(identity);
  });

  test("of a cluster without an ID, or a MAC that is none, is refused", () => {
    expect(() => generateKubeSpanIdentity({ ...PLACE, clusterId: "" })).toThrow(RangeError);
    expect(() => generateKubeSpanIdentity({ ...PLACE, mac: "eth0" })).toThrow("MAC");
  });
});
