import { describe, expect, test } from "vitest";
import { nextEndpoint } from "../../../src/kubespan/endpoint-rotation.ts";

const A = "10.0.0.1:51820";
const B = "192.0.2.1:51820";
const C = "[2001:db8::1]:51820";

describe("the endpoint to try", () => {
  test("is the first where none was tried yet, whatever the state", () => {
    for (const state of ["unknown", "down", "up"] as const) {
      expect(nextEndpoint({ endpoints: [A, B], state })).toBe(A);
      expect(nextEndpoint({ endpoints: [], state })).toBeUndefined();
    }
  });

  test("stays while the peer is up, or may yet answer", () => {
    for (const state of ["unknown", "up"] as const) {
      expect(nextEndpoint({ endpoints: [A, B], lastUsed: A, state })).toBeUndefined();
    }
  });

  test("of a peer that is down is the one after the last used, in a circle", () => {
    const used: (string | undefined)[] = [A];
    for (let i = 0; i < 3; i++) {
      used.push(nextEndpoint({ endpoints: [A, B, C], lastUsed: used.at(-1), state: "down" }));
    }
    expect(used).toEqual([A, B, C, A]);
  });

  test("is one after the other where one is listed twice", () => {
    const used: (string | undefined)[] = [A];
    for (let i = 0; i < 3; i++) {
      used.push(nextEndpoint({ endpoints: [A, A, B, A], lastUsed: used.at(-1), state: "down" }));
    }
    expect(used).toEqual([A, B, A, B]);
  });

  test("is not changed where it is the only one", () => {
    expect(nextEndpoint({ endpoints: [A], lastUsed: A, state: "down" })).toBeUndefined();
  });

  test("is the first where the last used is no longer listed", () => {
    expect(nextEndpoint({ endpoints: [B, C], lastUsed: A, state: "down" })).toBe(B);
    expect(nextEndpoint({ endpoints: [B], lastUsed: A, state: "down" })).toBe(B);
    expect(nextEndpoint({ endpoints: [], lastUsed: A, state: "down" })).toBeUndefined();
  });
});
