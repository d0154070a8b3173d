import { expect, test } from "vitest";
import { DiscoveryError } from "../../../src/errors.ts";
import { base62, generateNodeId, machineId, parseNodeId } from "../../../src/identity/index.ts";
import vectors from "../../vectors/base62.json" with { type: "json" };

const code = (code: string) => expect.objectContaining({ name: "DiscoveryError", code });

test("identities of the vectors give their bytes and their machine ID", () => {
  expect(vectors.identities.length).toBeGreaterThan(0);
  for (const identity of vectors.identities) {
    expect(parseNodeId(identity.nodeId)).toEqual(new Uint8Array(Buffer.from(identity.hex, "hex")));
    expect(machineId(identity.nodeId)).toBe(identity.machineId);
    const random = () => new Uint8Array(Buffer.from(identity.hex, "hex"));
    expect(generateNodeId(random)).toBe(identity.nodeId);
  }
});

test("a generated identity is 32 fresh bytes", () => {
  const ids = Array.from({ length: 50 }, () => generateNodeId());
  expect(new Set(ids).size).toBe(50);
  for (const id of ids) {
    expect(id).toMatch(/^[A-Za-z0-9]{43,52}$/);
    expect(parseNodeId(id)).toHaveLength(32);
  }
});

test("the source of randomness is asked for 32 bytes, and must give them", () => {
  const asked: number[] = [];
  generateNodeId((bytes) => {
    asked.push(bytes);
    return new Uint8Array(bytes);
  });
  expect(asked).toEqual([32]);
  expect(() => generateNodeId(() => new Uint8Array(31))).toThrow(RangeError);
});

test.each([0, 1, 31, 33, 64])("an identity of %i bytes is none", (length) => {
  const text = base62.encode(new Uint8Array(length).fill(1));
  expect(() => parseNodeId(text)).toThrow(code("ERR_NODE_ID_INVALID"));
});

test("a character outside the alphabet is named by its position", () => {
  const damaged = "Utoh3O0ZneV0kT2IUBrh7T_douRcUW2yzaaMl4VXnCd";
  const error = new DiscoveryError("ERR_BASE62_INVALID", "illegal base62 data at input byte 22");
  expect(() => parseNodeId(damaged)).toThrow(error);
  expect(() => machineId(damaged)).toThrow(error);
});

test("a machine ID needs 16 bytes, and no more", () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, i) => i);
  expect(machineId(base62.encode(bytes))).toBe("000102030405060708090a0b0c0d0e0f");
  expect(() => machineId(base62.encode(bytes.subarray(1)))).toThrow(code("ERR_NODE_ID_INVALID"));
  expect(() => machineId("")).toThrow(code("ERR_NODE_ID_INVALID"));
});
