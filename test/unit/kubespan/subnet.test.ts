import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  kubespanAddress,
  kubespanSubnet,
  uniqueLocalPurpose,
} from "../../../src/kubespan/subnet.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { contains, parsePrefix } from "../../../src/net/prefix.ts";
import vectors from "../../vectors/kubespan-addresses.json" with { type: "json" };

const SUBNET = "fd7f:175a:b97c:5602::/64";
const code = (code: string) => expect.objectContaining({ name: "DiscoveryError", code });

describe("addresses of the mesh", () => {
  test("subnets and addresses are those of the vectors", () => {
    for (const { clusterId, mac, subnet, address } of vectors) {
      expect(kubespanSubnet(clusterId)).toBe(subnet);
      expect(kubespanAddress(subnet, mac), mac).toBe(address);
    }
  });

  test.each(["2e:1a:b6:53:81:69", "2E-1A-B6-53-81-69", "2e1a.b653.8169"])(
    "a MAC is read: %s",
    (mac) => {
      expect(kubespanAddress(SUBNET, mac)).toBe("fd7f:175a:b97c:5602:2c1a:b6ff:fe53:8169");
    },
  );

  test.each([
    ...["", "2e:1a:b6:53:81", "2e:1a:b6:53:81:69:00", "2e:1a:b6:53:81:69:00:01", "2e1ab6538169"],
    ...["2e:1a-b6:53:81:69", "2e:1a:b6:53:81:6g", "2e:1a:b6:53:81:69\n", " 2e:1a:b6:53:81:69"],
    ...["2e:1a:b6:53:81:6", "2e1a:b653:8169", "2e1a.b653", "2e:1a:b6:53:81:"],
  ])("a MAC is refused: %j", (mac) => {
    expect(() => kubespanAddress(SUBNET, mac)).toThrow(code("ERR_MAC_INVALID"));
  });

  test.each(["10.0.0.0/8", "fd00::/63", "fd00::/128", "fd00::", ""])(
    "a subnet that is none of 64 bits is refused: %j",
    (subnet) => {
      expect(() => kubespanAddress(subnet, "2e:1a:b6:53:81:69")).toThrow(
        code("ERR_PREFIX_INVALID"),
      );
    },
  );

  test("an empty cluster ID is a caller's mistake", () => {
    expect(() => kubespanSubnet("")).toThrow(RangeError);
  });

  test("any machine of any cluster lies in its subnet, and is told from other unique local addresses", () => {
    const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), mac, (clusterId, bytes) => {
        const subnet = kubespanSubnet(clusterId);
        const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
        const address = parseAddress(kubespanAddress(subnet, text));
        expect(contains(parsePrefix(subnet), address)).toBe(true);
        expect(uniqueLocalPurpose(address)).toBe("kubespan");
      }),
    );
  });

  test.each([
    ["fd00:0:0:1::1", "bootstrap"],
    ["fd00:0:0:ff02::1", "kubespan"],
    ["fd00:0:0:3::1", "siderolink"],
    ["fd00:0:0:4::1", "virtual-siderolink"],
    ["fd00:0:0:5::1", undefined],
    ["fc00:0:0:2::1", undefined],
    ["2001:db8:0:2::1", undefined],
    ["fd00:0:0:2::1%eth0", undefined],
    ["10.0.0.2", undefined],
  ])("byte 7 says what %s is for: %s", (text, purpose) => {
    expect(uniqueLocalPurpose(parseAddress(text))).toBe(purpose);
  });
});
