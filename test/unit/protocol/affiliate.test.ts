import fc from "fast-check";
import { expect, test } from "vitest";
import { formatAddress } from "../../../src/net/address.ts";
import {
  type AffiliateData,
  decodeAffiliate,
  encodeAffiliate,
} from "../../../src/protocol/index.ts";
import vectors from "../../vectors/affiliates.json" with { type: "json" };

const code = (code: string) => expect.objectContaining({ name: "DiscoveryError", code });
const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const malformed = code("ERR_AFFILIATE_MALFORMED");

test("every affiliate of the vectors has one encoding, and comes back with the same keys", () => {
  expect(vectors.length).toBeGreaterThan(0);
  for (const { affiliate, encoded } of vectors) {
    expect(encodeAffiliate(affiliate)).toEqual(bytesOf(encoded));
    expect(decodeAffiliate(bytesOf(encoded))).toStrictEqual(affiliate);
  }
});

test("an affiliate of nothing is no bytes", () => {
  expect(encodeAffiliate({})).toHaveLength(0);
  expect(decodeAffiliate(new Uint8Array())).toStrictEqual({});
});

test("empty fields and absent ones have the same encoding", () => {
  const empty = { nodeId: "", addresses: [], hostname: "", nodename: "", machineType: "" };
  expect(encodeAffiliate({ ...empty, operatingSystem: "" })).toHaveLength(0);
  const kubespan = { publicKey: "", address: "", additionalAddresses: [] };
  expect(encodeAffiliate({ kubespan: { ...kubespan, excludeAdvertisedNetworks: [] } })).toEqual(
    encodeAffiliate({ kubespan: {} }),
  );
});

test("a KubeSpan and a control plane without content are still there", () => {
  const affiliate = { kubespan: {}, controlPlane: { port: 0 } };
  expect(decodeAffiliate(encodeAffiliate(affiliate))).toStrictEqual(affiliate);
});

const addresses = fc
  .oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  )
  .map(formatAddress);
const prefixes = fc
  .tuple(addresses, fc.nat(128))
  .map(([ip, bits]) => `${ip}/${ip.includes(":") ? bits : bits % 33}`);
const words = fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 });
const list = (items: fc.Arbitrary<string>) => fc.array(items, { minLength: 1, maxLength: 5 });
const affiliates: fc.Arbitrary<AffiliateData> = fc.record(
  {
    nodeId: words,
    addresses: list(addresses),
    hostname: words,
    nodename: words,
    machineType: words,
    operatingSystem: words,
    kubespan: fc.record(
      {
        publicKey: words,
        address: addresses,
        additionalAddresses: list(prefixes),
        excludeAdvertisedNetworks: list(prefixes),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
    controlPlane: fc.record({ port: fc.nat(65_535) }, { noNullPrototype: true }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

test("what is encoded decodes to itself", () => {
  fc.assert(
    fc.property(affiliates, (affiliate) => {
      expect(decodeAffiliate(encodeAffiliate(affiliate))).toStrictEqual(affiliate);
    }),
  );
});

test("text that does not parse is an error that names its field", () => {
  const encodes = (affiliate: AffiliateData) => expect(() => encodeAffiliate(affiliate));
  encodes({ addresses: ["10.0.0.1", "10.0.0"] }).toThrow(
    expect.objectContaining({
      code: "ERR_ADDRESS_INVALID",
      message: 'addresses[1]: "10.0.0" is not an IP address',
    }),
  );
  encodes({ addresses: [""] }).toThrow(code("ERR_ADDRESS_INVALID"));
  encodes({ kubespan: { address: "fd00::/64" } }).toThrow(
    expect.objectContaining({
      code: "ERR_ADDRESS_INVALID",
      message: expect.stringMatching(/^kubespan\.address: /),
    }),
  );
  encodes({ kubespan: { additionalAddresses: ["10.0.0.0"] } }).toThrow(
    expect.objectContaining({
      code: "ERR_PREFIX_INVALID",
      message: expect.stringMatching(/^kubespan\.additionalAddresses\[0\]: /),
    }),
  );
  encodes({ kubespan: { excludeAdvertisedNetworks: ["::/0", "::/129"] } }).toThrow(
    expect.objectContaining({
      code: "ERR_PREFIX_INVALID",
      message: expect.stringMatching(/^kubespan\.excludeAdvertisedNetworks\[1\]: /),
    }),
  );
});

test.each([-1, 65_536, 1.5, Number.NaN])("a control plane port of %d is a RangeError", (port) => {
  expect(() => encodeAffiliate({ controlPlane: { port } })).toThrow(RangeError);
});

test.each([
  ["a field is cut", "0a05616263"],
  ["a tag without a value", "12"],
  ["field number 0", "0000"],
  ["a varint without end", "42028080"],
  ["a group that does not end", "0b"],
  ["a name that is not UTF-8", "1a02c328"],
  ["an address of five bytes", "1205c000020100"],
  ["a KubeSpan address of 15 bytes", `3a11120f${"00".repeat(15)}`],
  ["a zone that is not UTF-8", `1211${"fe80".padEnd(32, "0")}ff`],
  ["a prefix without an address", "3a041a021008"],
  ["a prefix with too many bits", "3a0a1a080a040a0000001021"],
  ["a prefix with a zone", `3a171a150a11${"fe80".padEnd(32, "0")}611040`],
  ["a port over 65,535", "420408808004"],
])("%s is ERR_AFFILIATE_MALFORMED", (_, hex) => {
  expect(() => decodeAffiliate(bytesOf(hex))).toThrow(malformed);
});

test("the error of a malformed affiliate names the field and shows none of its content", () => {
  expect(() => decodeAffiliate(bytesOf("12040a0000011205c000020100"))).toThrow(
    "affiliate does not decode: addresses[1]: IP address of 5 bytes",
  );
});

test("an empty address is no address", () => {
  expect(decodeAffiliate(bytesOf("120012040a0000011200"))).toStrictEqual({
    addresses: ["10.0.0.1"],
  });
  expect(decodeAffiliate(bytesOf("1200"))).toStrictEqual({});
});

test("unknown fields are accepted, also in nested messages", () => {
  expect(decodeAffiliate(bytesOf("0a01614a0101f801013a040a01623a00"))).toStrictEqual({
    nodeId: "a",
    kubespan: { publicKey: "b" },
  });
  expect(decodeAffiliate(bytesOf("42061a02686908aa32"))).toStrictEqual({
    controlPlane: { port: 6442 },
  });
});

test("any bytes give an affiliate or ERR_AFFILIATE_MALFORMED", () => {
  const changed = fc
    .tuple(affiliates, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat())
    .map(([affiliate, changes, cut]) => {
      const bytes = encodeAffiliate(affiliate);
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return bytes.subarray(0, cut % 4 === 0 ? cut % (bytes.length + 1) : bytes.length);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), changed), (bytes) => {
      let affiliate: AffiliateData;
      try {
        affiliate = decodeAffiliate(bytes);
      } catch (error) {
        expect(error).toEqual(malformed);
        return;
      }
      expect(decodeAffiliate(encodeAffiliate(affiliate))).toStrictEqual(affiliate);
    }),
    { numRuns: 2000 },
  );
});
