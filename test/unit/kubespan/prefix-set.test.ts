import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PrefixSet } from "../../../src/kubespan/prefix-set.ts";
import { parseAddress } from "../../../src/net/address.ts";
import { contains, formatPrefix, type Prefix, parsePrefix } from "../../../src/net/prefix.ts";
import { NaivePrefixSet } from "./naive-prefix-set.ts";

function setOf(...texts: string[]): PrefixSet {
  const set = new PrefixSet();
  for (const text of texts) set.add(parsePrefix(text));
  return set;
}

const textsOf = (set: PrefixSet): string[] => set.prefixes().map(formatPrefix);

describe("a set of prefixes", () => {
  test("is the fewest prefixes, IPv4 before IPv6, by address", () => {
    const set = setOf("fd00::1/128", "10.0.1.0/24", "9.0.0.0/8", "fd00::/128", "10.0.0.0/24");
    expect(textsOf(set)).toEqual(["9.0.0.0/8", "10.0.0.0/23", "fd00::/127"]);
  });

  test("pays no heed to the bits beyond a prefix's length", () => {
    expect(textsOf(setOf("10.1.2.3/8"))).toEqual(["10.0.0.0/8"]);
  });

  test("reaches to both ends of the space", () => {
    const everything = setOf("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1");
    expect(textsOf(everything)).toEqual(["0.0.0.0/0", "::/0"]);
    everything.remove(parsePrefix("255.255.255.255/32"));
    everything.remove(parsePrefix("::/32"));
    expect(textsOf(everything)).toHaveLength(32 + 32);
    everything.remove(parsePrefix("0.0.0.0/0"));
    everything.remove(parsePrefix("::/0"));
    expect(textsOf(everything)).toEqual([]);
  });

  test("keeps families apart, also for IPv4-mapped addresses", () => {
    const set = setOf("10.0.0.0/24", "::ffff:10.0.0.0/120");
    set.remove(parsePrefix("::/0"));
    expect(textsOf(set)).toEqual(["10.0.0.0/24"]);
  });

  test("without another leaves both as they were", () => {
    const set = setOf("10.0.0.0/30");
    const other = setOf("10.0.0.1/32", "10.0.0.3/32");
    expect(textsOf(set.without(other))).toEqual(["10.0.0.0/32", "10.0.0.2/32"]);
    expect([textsOf(set), textsOf(other)]).toEqual([
      ["10.0.0.0/30"],
      ["10.0.0.1/32", "10.0.0.3/32"],
    ]);
  });
});

/** Steps over 256 addresses at the top of a space, the bottom, and across a 64-bit border in between. */
const smallSpace = fc.constantFrom(
  "255.255.255.",
  "0.0.0.",
  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff",
  "::",
  "1::",
);
const smallStep = fc.record({
  add: fc.boolean(),
  start: fc.integer({ min: 0, max: 255 }),
  hostBits: fc.integer({ min: 0, max: 8 }),
});
const smallSteps = fc.array(smallStep, { maxLength: 24 });

function smallPrefix(space: string, start: number, hostBits: number): Prefix {
  const isIpv4 = space.endsWith(".");
  const last = isIpv4 ? `${start}` : start.toString(16).padStart(2, "0");
  return { ip: parseAddress(`${space}${last}`), bits: (isIpv4 ? 32 : 128) - hostBits };
}

test("any steps over a small space agree with every address counted by itself", () => {
  fc.assert(
    fc.property(smallSpace, smallSteps, smallSteps, (space, steps, otherSteps) => {
      const build = <T extends PrefixSet | NaivePrefixSet>(set: T, of: typeof steps): T => {
        for (const { add, start, hostBits } of of) {
          const prefix = smallPrefix(space, start, hostBits);
          if (add) set.add(prefix);
          else set.remove(prefix);
        }
        return set;
      };
      const [set, other] = [build(new PrefixSet(), steps), build(new PrefixSet(), otherSteps)];
      const naive = build(new NaivePrefixSet(), steps);
      const naiveOther = build(new NaivePrefixSet(), otherSteps);
      const expectEqual = (fast: PrefixSet, slow: NaivePrefixSet): void => {
        const blocks = slow.blocks().map(([start, bits]) => smallPrefix(space, start, 8 - bits));
        expect(textsOf(fast)).toEqual(blocks.map(formatPrefix));
      };
      expectEqual(set, naive);
      expectEqual(set.without(other), naive.without(naiveOther));
      set.addAll(other);
      naive.addAll(naiveOther);
      expectEqual(set, naive);
    }),
  );
});

/** Any addresses, many of them near each other, so that prefixes overlap, nest and touch. */
const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc
    .tuple(
      fc.constantFrom("10.0.0.0", "fd00::", "fd00:0:0:1::", "ffff:ffff:ffff:ffff::"),
      fc.array(fc.tuple(fc.nat(127), fc.boolean()), { maxLength: 3 }),
    )
    .map(([base, flips]) => {
      const ip = parseAddress(base);
      for (const [bit] of flips) {
        const index = (bit >> 3) % ip.length;
        ip[index] = (ip[index] ?? 0) ^ (1 << (bit & 7));
      }
      return ip;
    }),
);
const prefix = fc
  .tuple(address, fc.nat(128))
  .map(([ip, bits]): Prefix => ({ ip, bits: bits % (ip.length * 8 + 1) }));

test("an address is in it just when the last step about it put it in, in 128 bits too", () => {
  const steps = fc.array(fc.record({ add: fc.boolean(), prefix }), { maxLength: 30 });
  fc.assert(
    fc.property(steps, fc.array(address, { maxLength: 10 }), (steps, more) => {
      const set = new PrefixSet();
      for (const { add, prefix } of steps) {
        if (add) set.add(prefix);
        else set.remove(prefix);
      }
      const prefixes = set.prefixes();
      const probes = [
        ...more,
        ...steps.map(({ prefix }) => prefix.ip),
        ...prefixes.map(({ ip }) => ip),
      ];
      for (const probe of probes) {
        const last = steps.findLast((step) => contains(step.prefix, probe));
        expect(prefixes.filter((one) => contains(one, probe)).length).toBe(last?.add ? 1 : 0);
      }
    }),
  );
});

test("what comes out goes in again to the same set, in any order, and is the fewest prefixes", () => {
  fc.assert(
    fc.property(
      fc.array(prefix, { maxLength: 20 }),
      fc.infiniteStream(fc.nat()),
      (list, random) => {
        const set = new PrefixSet();
        for (const one of list) set.add(one);
        const out = set.prefixes();
        const again = new PrefixSet();
        const shuffled = out.map((one) => [random.next().value, one] as const);
        for (const [, one] of shuffled.sort(([a], [b]) => a - b)) again.add(one);
        expect(again.prefixes()).toEqual(out);
        // No two make a larger one together.
        for (const [i, { ip, bits }] of out.entries()) {
          const next = out[i + 1];
          const isPair =
            next !== undefined && next.bits === bits && next.ip.length === ip.length && bits > 0;
          expect(isPair && contains({ ip, bits: bits - 1 }, next.ip)).toBe(false);
        }
      },
    ),
  );
});
