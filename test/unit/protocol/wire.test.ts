import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { fromText } from "@bufbuild/protobuf/txtpb";
import { expect, test } from "vitest";
import * as protocol from "../../../src/protocol/index.ts";
import vectors from "../../vectors/wire.json" with { type: "json" };

const { Cluster } = protocol;

function schemaOf(message: string): DescMessage {
  const schema = Cluster.methods
    .flatMap((method) => [method.input, method.output])
    .find((each) => each.name === message);
  if (schema === undefined) throw new Error(`no message ${message}`);
  return schema;
}

test("every message of the vectors has the same bytes in both directions", () => {
  expect(vectors.length).toBeGreaterThan(0);
  for (const { message, text, encoded } of vectors) {
    const schema = schemaOf(message);
    const bytes = new Uint8Array(Buffer.from(encoded, "hex"));
    expect(toBinary(schema, fromText(schema, text)), message).toEqual(bytes);
    expect(fromBinary(schema, bytes), message).toEqual(fromText(schema, text));
  }
});

test("methods have the paths that other nodes call", () => {
  expect(Cluster.typeName).toBe("sidero.discovery.server.Cluster");
  expect(Cluster.methods.map((method) => `${method.name} ${method.methodKind}`)).toEqual([
    "Hello unary",
    "AffiliateUpdate unary",
    "AffiliateDelete unary",
    "List unary",
    "Watch server_streaming",
  ]);
});

test("all messages are exported, and of the two affiliates the service's is the sealed one", () => {
  expect(protocol.AffiliateSchema.typeName).toBe("sidero.discovery.client.Affiliate");
  expect(protocol.SealedAffiliateSchema.typeName).toBe("sidero.discovery.server.Affiliate");
  const exported = new Set<unknown>(Object.values(protocol));
  const files = [
    protocol.file_sidero_discovery_client_affiliate,
    protocol.file_sidero_discovery_server_cluster,
    protocol.file_sidero_discovery_storage_storage,
  ];
  for (const schema of files.flatMap((file) => file.messages)) {
    expect(exported.has(schema), schema.typeName).toBe(true);
  }
});
