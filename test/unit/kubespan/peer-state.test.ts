import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { peerState } from "../../../src/kubespan/peer-state.ts";

const T0 = 1_000_000;

describe("a peer's state", () => {
  test.each([
    // Within 15 s of the change.
    [0, undefined, "unknown"],
    [15_000, undefined, "unknown"],
    [15_000, -1, "unknown"],
    [15_000, 0, "up"],
    [15_000, 15_000, "up"],
    // Between.
    [15_001, undefined, "down"],
    [15_001, -1, "down"],
    [15_001, 0, "up"],
    [275_000, 0, "up"],
    [275_000, -1, "down"],
    // Past 275 s.
    [275_001, 0, "down"],
    [275_001, 1, "up"],
    [1_000_000, 725_000, "up"],
    [1_000_000, 724_999, "down"],
    [1_000_000, undefined, "down"],
  ])(
    "%i ms after its endpoint changed, its last handshake %s ms after it: %s",
    (now, handshake, state) => {
      const lastHandshakeAtMs = handshake === undefined ? undefined : T0 + handshake;
      expect(peerState({ endpointChangedAtMs: T0, lastHandshakeAtMs }, T0 + now)).toBe(state);
    },
  );

  test("of one that never had an endpoint is unknown, until it comes by itself", () => {
    expect(peerState({}, T0)).toBe("unknown");
    expect(peerState({ lastHandshakeAtMs: T0 - 275_000 }, T0)).toBe("up");
    expect(peerState({ lastHandshakeAtMs: T0 - 275_001 }, T0)).toBe("unknown");
  });

  test("is unknown, not down, where the clock was set back before the change", () => {
    expect(peerState({ endpointChangedAtMs: T0 }, 0)).toBe("unknown");
  });

  test("only goes from unknown to down while nothing is heard, and a handshake now makes it up", () => {
    const time = fc.nat(600_000);
    fc.assert(
      fc.property(time, time, time, (handshake, earlier, wait) => {
        const observation = { endpointChangedAtMs: T0, lastHandshakeAtMs: T0 - 1 - handshake };
        const states = [
          peerState(observation, T0 + earlier),
          peerState(observation, T0 + earlier + wait),
        ];
        expect(states[0] === "down" && states[1] === "unknown").toBe(false);
        expect(peerState({ ...observation, lastHandshakeAtMs: T0 + earlier }, T0 + earlier)).toBe(
          "up",
        );
      }),
    );
  });
});
