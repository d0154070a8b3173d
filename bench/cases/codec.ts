/**
 * What the protocol's codecs add to, or take from, the protobuf library alone.
 *
 * For what nodes seal, the library alone is a lower bound: it leaves addresses as bytes, which nobody can read. For what a
 * service sends, our own encoder does the same work as the library.
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type AffiliateData,
  AffiliateSchema,
  decodeAffiliate,
  decodeEndpoint,
  EndpointSchema,
  encodeAffiliate,
  encodeAffiliateField,
  encodeEndpoint,
  ListResponseSchema,
} from "../../src/protocol/index.ts";
import type { Comparison } from "../harness/compare.ts";
import { type BenchOptions, compareAll } from "../harness/measure.ts";

export const measure = (options: BenchOptions) => compareAll(comparisons(), options);

/** A control plane node with KubeSpan. */
const NODE: AffiliateData = {
  nodeId: "Utoh3O0ZneV0kT2IUBrh7TgdouRcUW2yzaaMl4VXnCd",
  addresses: ["172.20.0.2", "2001:db8::2", "fd50:8d60:4238:6302::1"],
  hostname: "talos-default-controlplane-1.example.org",
  nodename: "talos-default-controlplane-1",
  machineType: "controlplane",
  operatingSystem: "Talos (v1.15.0)",
  kubespan: {
    publicKey: "p5pFXxZ9mYKPpOWX8kBJDLlYw5IAaLZXZ+sFnBcYO3g=",
    address: "fd50:8d60:4238:6302:a0b1:c2ff:fed3:e4f5",
    additionalAddresses: ["10.244.0.0/24", "2001:db8:1::/64"],
    excludeAdvertisedNetworks: ["192.168.1.0/24"],
  },
  controlPlane: { port: 6443 },
};

function* comparisons(): Iterable<Comparison> {
  const bytes = encodeAffiliate(NODE);
  const message = fromBinary(AffiliateSchema, bytes);
  yield {
    name: `encode affiliate, ${bytes.length} bytes`,
    verify: () => assert.deepEqual(toBinary(AffiliateSchema, message), bytes),
    versions: [
      { name: "ours, from text", run: () => encodeAffiliate(NODE) },
      { name: "protobuf-es, from bytes", run: () => toBinary(AffiliateSchema, message) },
    ],
  };
  yield {
    name: `decode affiliate, ${bytes.length} bytes`,
    verify: () => assert.deepEqual(decodeAffiliate(bytes), NODE),
    versions: [
      { name: "ours, to text", run: () => decodeAffiliate(bytes) },
      { name: "protobuf-es, to bytes", run: () => fromBinary(AffiliateSchema, bytes) },
    ],
  };
  for (const text of ["192.0.2.17:51820", "[2001:db8::17]:51820"]) yield* endpoint(text);
  yield sealed();
}

function* endpoint(text: string): Iterable<Comparison> {
  const bytes = encodeEndpoint(text);
  const message = fromBinary(EndpointSchema, bytes);
  yield {
    name: `encode endpoint ${text}`,
    verify: () => assert.deepEqual(toBinary(EndpointSchema, message), bytes),
    versions: [
      { name: "ours, from text", run: () => encodeEndpoint(text) },
      { name: "protobuf-es, from bytes", run: () => toBinary(EndpointSchema, message) },
    ],
  };
  yield {
    name: `decode endpoint ${text}`,
    verify: () => assert.equal(decodeEndpoint(bytes), text),
    versions: [
      { name: "ours, to text", run: () => decodeEndpoint(bytes) },
      { name: "protobuf-es, to bytes", run: () => fromBinary(EndpointSchema, bytes) },
    ],
  };
}

function sealed(): Comparison {
  const id = NODE.nodeId as string;
  const data = new Uint8Array(randomBytes(300));
  const endpoints = Array.from({ length: 4 }, () => new Uint8Array(randomBytes(32)));
  const ours = () => encodeAffiliateField(id, data, endpoints);
  const library = () =>
    toBinary(
      ListResponseSchema,
      create(ListResponseSchema, { affiliates: [{ id, data, endpoints }] }),
    );
  return {
    name: "encode a sealed affiliate's field, 300 bytes and 4 endpoints",
    verify: () => assert.deepEqual(ours(), library()),
    versions: [
      { name: "ours", run: ours },
      { name: "protobuf-es", run: library },
    ],
  };
}
