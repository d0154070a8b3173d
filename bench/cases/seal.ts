/**
 * Sealing and opening against OpenSSL, and against a cipher that expands its key for each call.
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type ClusterCipher, createClusterCipher } from "../../src/crypto/index.ts";
import { encodeEndpoint, MAX_AFFILIATE_DATA_BYTES } from "../../src/protocol/index.ts";
import type { Comparison } from "../harness/compare.ts";
import { type BenchOptions, compareAll } from "../harness/measure.ts";
import { NodeCipher } from "../twins/node-cipher.ts";

export const measure = (options: BenchOptions) => compareAll(comparisons(), options);

const NONCE_AND_TAG_BYTES = 28;

/** Of a node with two addresses, KubeSpan, and names of usual length. */
const TYPICAL_AFFILIATE_BYTES = 300;

type Kind = "Affiliate" | "Endpoint";

function* comparisons(): Iterable<Comparison> {
  const affiliate = (bytes: number) => new Uint8Array(randomBytes(bytes));
  yield* both("Affiliate", "affiliate of 300 bytes", affiliate(TYPICAL_AFFILIATE_BYTES));
  const largest = MAX_AFFILIATE_DATA_BYTES - NONCE_AND_TAG_BYTES;
  yield* both("Affiliate", `affiliate of ${largest} bytes`, affiliate(largest));
  yield* both("Endpoint", "IPv4 endpoint", encodeEndpoint("192.0.2.17:51820"));
  yield* both("Endpoint", "IPv6 endpoint", encodeEndpoint("[2001:db8::17]:51820"));
}

function* both(kind: Kind, name: string, plain: Uint8Array): Iterable<Comparison> {
  const key = new Uint8Array(randomBytes(32));
  const once = createClusterCipher(key);
  const perCall = (): ClusterCipher => createClusterCipher(key);
  const node = new NodeCipher(key);
  const seal = `seal${kind}` as const;
  const open = `open${kind}` as const;
  const sealed = node[seal](plain);
  const verify = () => {
    assert.deepEqual(once[open](sealed), plain);
    assert.deepEqual(perCall()[open](sealed), plain);
    assert.deepEqual(bytesOf(node[open](once[seal](plain))), plain);
    assert.deepEqual(bytesOf(node[open](perCall()[seal](plain))), plain);
    // Affiliates have a random nonce.
    if (kind === "Endpoint") assert.deepEqual(once[seal](plain), bytesOf(sealed));
  };
  for (const [verb, method, input] of [
    ["seal", seal, plain],
    ["open", open, sealed],
  ] as const) {
    yield {
      name: `${verb} ${name}`,
      verify,
      versions: [
        { name: "ours", run: () => once[method](input) },
        { name: "node:crypto", run: () => node[method](input) },
        { name: "ours, key expanded per call", run: () => perCall()[method](input) },
      ],
    };
  }
}

/** Without what makes a `Buffer` differ from an equal `Uint8Array`. */
function bytesOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
