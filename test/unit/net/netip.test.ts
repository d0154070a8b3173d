import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareAddresses,
  formatAddress,
  parseAddress,
  scanAddress,
  unmapAddress,
} from "../../../src/net/address.ts";
import { formatEndpoint, parseEndpoint } from "../../../src/net/endpoint.ts";
import { contains, formatPrefix, parsePrefix } from "../../../src/net/prefix.ts";
import vectors from "../../vectors/netip.json" with { type: "json" };

const code = (code: string) => expect.objectContaining({ name: "DiscoveryError", code });
const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

describe("as Go's netip has it", () => {
  test("an address is read, printed and refused", () => {
    for (const { text, hex, canonical } of vectors.addresses) {
      if (hex === undefined) {
        expect(() => parseAddress(text), text).toThrow(code("ERR_ADDRESS_INVALID"));
        expect(scanAddress(text), text).toBeUndefined();
      } else {
        expect(parseAddress(text), text).toEqual(bytesOf(hex));
        expect(formatAddress(bytesOf(hex))).toBe(canonical);
      }
    }
  });

  test("a prefix is read, printed and refused", () => {
    for (const { text, hex, bits, canonical } of vectors.prefixes) {
      if (hex === undefined) {
        expect(() => parsePrefix(text), text).toThrow(code("ERR_PREFIX_INVALID"));
      } else {
        expect(parsePrefix(text), text).toEqual({ ip: bytesOf(hex), bits });
        expect(formatPrefix(parsePrefix(text))).toBe(canonical);
      }
    }
  });

  test("an endpoint is read, printed and refused", () => {
    for (const { text, hex, port, canonical } of vectors.endpoints) {
      if (hex === undefined) {
        expect(() => parseEndpoint(text), text).toThrow(code("ERR_ENDPOINT_INVALID"));
      } else {
        expect(parseEndpoint(text), text).toEqual({ ip: bytesOf(hex), port });
        expect(formatEndpoint(parseEndpoint(text))).toBe(canonical);
      }
    }
  });

  test("addresses are in order", () => {
    const shuffled = vectors.sorted.toSorted().map((text) => parseAddress(text));
    expect(shuffled.toSorted(compareAddresses).map(formatAddress)).toEqual(vectors.sorted);
  });

  test("a prefix contains an address", () => {
    for (const { prefix, address, contains: expected } of vectors.contains) {
      expect(contains(parsePrefix(prefix), parseAddress(address)), `${prefix} ${address}`).toBe(
        expected,
      );
    }
  });
});

const addressBytes = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Fields of zeros, for `::`.
  fc
    .array(fc.constantFrom([0, 0], [0, 1], [255, 255], [0x12, 0x30]), {
      minLength: 8,
      maxLength: 8,
    })
    .map((fields) => Uint8Array.from(fields.flat())),
  fc
    .uint8Array({ minLength: 4, maxLength: 4 })
    .map((ipv4) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...ipv4])),
  fc
    .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.string({ minLength: 1 }))
    .map(([ip, zone]) => Uint8Array.from([...ip, ...new TextEncoder().encode(zone)])),
);

describe("addresses", () => {
  test("an address survives its text", () => {
    fc.assert(
      fc.property(addressBytes, (bytes) => {
        expect(parseAddress(formatAddress(bytes))).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test("any text gives an address or ERR_ADDRESS_INVALID", () => {
    const parts = fc.constantFrom(..."0123456789abcfF:.%::/[] ", "\ud800", "é", "ffff", "255");
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(parts).map((all) => all.join("")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        let bytes: Uint8Array;
        try {
          bytes = parseAddress(text);
        } catch (error) {
          expect(error).toEqual(code("ERR_ADDRESS_INVALID"));
          return;
        }
        const canonical = formatAddress(bytes);
        expect(formatAddress(parseAddress(canonical))).toBe(canonical);
      }),
      { numRuns: 1000 },
    );
  });

  test("any bytes give text or ERR_ADDRESS_INVALID", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        let text: string;
        try {
          text = formatAddress(bytes);
        } catch (error) {
          expect(error).toEqual(code("ERR_ADDRESS_INVALID"));
          return;
        }
        expect(parseAddress(text)).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test.each([0, 1, 3, 5, 15])("%i bytes are no address", (length) => {
    expect(() => formatAddress(new Uint8Array(length))).toThrow(code("ERR_ADDRESS_INVALID"));
  });

  test("a zone that is not UTF-8 has no text", () => {
    const bytes = new Uint8Array(17).fill(0xff);
    expect(() => formatAddress(bytes)).toThrow(code("ERR_ADDRESS_INVALID"));
  });

  test("half a surrogate pair is no zone", () => {
    expect(() => parseAddress("fe80::1%\ud800")).toThrow(code("ERR_ADDRESS_INVALID"));
  });

  test("the error shows the text, quoted and not at any length", () => {
    expect(() => parseAddress("1.2.3\n")).toThrow('"1.2.3\\n" is not an IP address');
    try {
      parseAddress("x".repeat(10_000));
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(120);
    }
  });

  test("an IPv4-mapped address is unmapped, and nothing else", () => {
    const unmapped = (text: string) => formatAddress(unmapAddress(parseAddress(text)));
    expect(unmapped("::ffff:192.0.2.1")).toBe("192.0.2.1");
    expect(unmapped("::ffff:192.0.2.1%eth0")).toBe("192.0.2.1");
    expect(unmapped("192.0.2.1")).toBe("192.0.2.1");
    expect(unmapped("::192.0.2.1")).toBe("::c000:201");
    expect(unmapped("1::ffff:192.0.2.1")).toBe("1::ffff:c000:201");
    expect(unmapped("fe80::1%eth0")).toBe("fe80::1%eth0");
  });

  test("the order is total", () => {
    fc.assert(
      fc.property(addressBytes, addressBytes, (a, b) => {
        expect(Math.sign(compareAddresses(a, b))).toBe(-Math.sign(compareAddresses(b, a)) + 0);
        expect(compareAddresses(a, b) === 0).toBe(formatAddress(a) === formatAddress(b));
      }),
    );
  });
});

describe("prefixes", () => {
  test.each([
    [4, 33],
    [16, 129],
    [4, -1],
    [0, 0],
    [5, 8],
    [20, 64],
  ])("an address of %i bytes with %i bits is no prefix", (bytes, bits) => {
    const prefix = { ip: new Uint8Array(bytes), bits };
    expect(() => formatPrefix(prefix)).toThrow(code("ERR_PREFIX_INVALID"));
    expect(contains(prefix, new Uint8Array(bytes))).toBe(false);
  });

  test("containment is a comparison of leading bits", () => {
    const ip = fc.uint8Array({ minLength: 4, maxLength: 4 });
    const bitsOf = (bytes: Uint8Array) =>
      [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
    fc.assert(
      fc.property(ip, fc.nat(32), fc.nat(31), (network, bits, flipped) => {
        const address = network.slice();
        address[flipped >> 3] = (address[flipped >> 3] ?? 0) ^ (0x80 >> (flipped & 7));
        expect(contains({ ip: network, bits }, address)).toBe(
          bitsOf(network).slice(0, bits) === bitsOf(address).slice(0, bits),
        );
        expect(contains({ ip: network, bits }, network)).toBe(true);
      }),
    );
  });
});

describe("endpoints", () => {
  test("an endpoint survives its text", () => {
    fc.assert(
      fc.property(addressBytes, fc.nat(65_535), (ip, port) => {
        expect(parseEndpoint(formatEndpoint({ ip, port }))).toEqual({ ip, port });
      }),
    );
  });

  test.each([
    [4, 65_536],
    [4, -1],
    [4, Number.NaN],
    [0, 1],
    [5, 1],
    [15, 1],
  ])("an address of %i bytes with port %d is no endpoint", (bytes, port) => {
    expect(() => formatEndpoint({ ip: new Uint8Array(bytes), port })).toThrow(
      code("ERR_ENDPOINT_INVALID"),
    );
  });
});
