/**
 * What holds in every runtime: the package's portable entry points, in memory and over `fetch` against a running service.
 * @module
 */
import type { Transport } from "@connectrpc/connect";
import { type AffiliateChange, DiscoveryClient } from "talos-discovery/client";
import {
  createClusterCipher,
  generateClusterId,
  generateClusterSecret,
} from "talos-discovery/crypto";
import {
  Discovery,
  type DiscoveryChange,
  discoveryRegistryCases,
  parseStaticMembers,
  ServiceRegistry,
  StaticRegistry,
} from "talos-discovery/discovery";
import { base62, generateNodeId, machineId, parseNodeId } from "talos-discovery/identity";
import {
  allowedIps,
  generateKubeSpanIdentity,
  kubespanAddress,
  kubespanSubnet,
  publicKeyOf,
} from "talos-discovery/kubespan";
import {
  decodeAffiliate,
  decodeEndpoint,
  encodeAffiliate,
  encodeEndpoint,
} from "talos-discovery/protocol";
import { MemoryRegistry } from "talos-discovery/registry";
import { createFetchHandler, memoryTransport } from "talos-discovery/server";
import { connectTransport, grpcWebTransport } from "talos-discovery/web";
import affiliateVectors from "../vectors/affiliates.json" with { type: "json" };
import base62Vectors from "../vectors/base62.json" with { type: "json" };
import endpointVectors from "../vectors/endpoints.json" with { type: "json" };
import meshAddressVectors from "../vectors/kubespan-addresses.json" with { type: "json" };
import allowedIpVectors from "../vectors/kubespan-allowed-ips.json" with { type: "json" };
import { type Assert, type Harness, hex, unhex } from "./harness.ts";

/** Made by `wg genkey` and `wg pubkey`. */
const WIREGUARD_KEYS = {
  privateKey: "2Dz6jXs8wu7IvtoQT6NG5BRh9SQOwGBIVwv3gPpw5kQ=",
  publicKey: "/8SZC1U7p4RzQPmj/ZrV/HRwnzQ7DJv+jShP7MjsPSg=",
};

export interface SuiteEnvironment {
  /** A running service, as `http://127.0.0.1:1234`. */
  readonly serviceUrl: string;
}

export function portableTests({ test, assert }: Harness, { serviceUrl }: SuiteEnvironment): void {
  test("base62 agrees with the vectors", () => {
    for (const { hex: bytes, text } of base62Vectors.encode) {
      assert.equal(base62.encode(unhex(bytes)), text);
    }
    for (const vector of base62Vectors.decode) {
      if (vector.hex === undefined) {
        assert.throwsCode(() => base62.decode(vector.text), "ERR_BASE62_INVALID");
      } else assert.equal(hex(base62.decode(vector.text)), vector.hex, vector.text);
    }
  });

  test("identities are random, parse, and name a machine", () => {
    const nodeId = generateNodeId();
    assert.ok(nodeId !== generateNodeId(), "two identities differ");
    assert.equal(parseNodeId(nodeId).length, 32);
    assert.equal(
      machineId("sou7yy34ykX3n373Zw1DXKb8zD7UnyKT6HT3QDsGH6L"),
      "be871ac0d0dd31fa4caca753b0f3f1b2",
    );
  });

  test("endpoints agree with the vectors, plain and sealed", () => {
    const cipher = createClusterCipher(unhex(endpointVectors.key));
    for (const vector of endpointVectors.endpoints) {
      const encoded = encodeEndpoint(vector.endpoint);
      assert.equal(hex(encoded), vector.encoded, vector.endpoint);
      assert.equal(hex(cipher.sealEndpoint(encoded)), vector.encrypted, vector.endpoint);
      assert.equal(decodeEndpoint(cipher.openEndpoint(unhex(vector.encrypted))), vector.endpoint);
    }
  });

  test("affiliates agree with the vectors, and open", () => {
    for (const vector of affiliateVectors) {
      const cipher = createClusterCipher(unhex(vector.key));
      const opened = cipher.openAffiliate(unhex(vector.data));
      assert.equal(hex(opened), vector.encoded);
      assert.equal(decodeAffiliate(opened), vector.affiliate);
      assert.equal(hex(encodeAffiliate(decodeAffiliate(opened))), vector.encoded);
    }
  });

  test("KubeSpan: addresses and allowed IPs agree with the vectors, keys with WireGuard's", () => {
    for (const { clusterId, mac, subnet, address } of meshAddressVectors) {
      assert.equal(kubespanSubnet(clusterId), subnet);
      assert.equal(kubespanAddress(subnet, mac), address);
    }
    for (const { peers } of allowedIpVectors) {
      assert.equal(
        allowedIps(peers),
        peers.map(({ allowedIPs }) => allowedIPs),
      );
    }
    // As `wg pubkey` has it.
    assert.equal(publicKeyOf(WIREGUARD_KEYS.privateKey), WIREGUARD_KEYS.publicKey);
    const place = { clusterId: generateClusterId(), mac: "02:00:00:00:00:01" };
    const identity = generateKubeSpanIdentity(place);
    assert.equal(publicKeyOf(identity.privateKey), identity.publicKey);
    assert.ok(generateKubeSpanIdentity(place).publicKey !== identity.publicKey, "two keys differ");
  });

  test("sealing takes a fresh nonce, and another secret does not open", () => {
    const cipher = createClusterCipher(generateClusterSecret());
    const plain = encodeAffiliate({ nodeId: generateNodeId() });
    const sealed = cipher.sealAffiliate(plain);
    assert.ok(hex(sealed) !== hex(cipher.sealAffiliate(plain)), "two sealings differ");
    assert.equal(cipher.openAffiliate(sealed), plain);
    const other = createClusterCipher(generateClusterSecret());
    assert.throwsCode(() => other.openAffiliate(sealed), "ERR_AFFILIATE_TAG_MISMATCH");
  });

  test("a registry in memory shows an update to a watcher, and forgets a deleted affiliate", async () => {
    const registry = new MemoryRegistry();
    const changes = registry.watch("cluster")[Symbol.asyncIterator]();
    assert.equal((await changes.next()).value, { kind: "snapshot", affiliates: [] });
    const data = Uint8Array.of(1, 2, 3);
    await registry.update({
      clusterId: "cluster",
      affiliateId: "node",
      data,
      endpoints: [],
      ttlMs: 60_000,
    });
    const updated = (await changes.next()).value;
    assert.equal(updated?.kind, "updated");
    assert.equal(
      (await registry.list("cluster")).map((view) => [view.id, view.data]),
      [["node", data]],
    );
    await registry.delete("cluster", "node");
    assert.equal((await changes.next()).value, { kind: "deleted", ids: ["node"] });
    assert.equal(await registry.list("cluster"), []);
    await registry.close();
  });

  test("in memory: a watch sees another node come and go", async (signal) => {
    const registry = new MemoryRegistry();
    await seesAnotherNode(assert, signal, () => memoryTransport(registry), "http://memory.test");
    await registry.close();
  });

  test("fetch handler: a watch over gRPC-Web sees another node come and go", async (signal) => {
    const registry = new MemoryRegistry();
    const handler = createFetchHandler(registry);
    const transport = (url: string) =>
      grpcWebTransport(url, { fetch: (input, init) => handler(new Request(input, init)) });
    await seesAnotherNode(assert, signal, transport, "http://handler.test");
    await registry.close();
  });

  test("registries side by side, of a service and of a list, are merged, and one that fails hides nothing", async (signal) => {
    const registry = new MemoryRegistry();
    await mergesRegistries(assert, signal, () => memoryTransport(registry), "http://memory.test");
    await registry.close();
  });

  test("a list of hosts is a registry as its cases have it", async () => {
    const open = () => {
      const registry = new StaticRegistry({ affiliates: [] });
      return { registry, setSource: registry.replace.bind(registry) };
    };
    for (const { run } of discoveryRegistryCases({ open })) await run();
  });

  test("gRPC-Web: a watch sees another node come and go", (signal) =>
    seesAnotherNode(assert, signal, (url) => grpcWebTransport(url), serviceUrl));

  test("Connect: a watch sees another node come and go", (signal) =>
    seesAnotherNode(assert, signal, (url) => connectTransport(url), serviceUrl));
}

/** Two nodes of a fresh cluster: one watches while the other publishes, changes and withdraws. */
export async function seesAnotherNode(
  assert: Assert,
  signal: AbortSignal,
  transport: (url: string) => Transport,
  service: string,
): Promise<void> {
  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort(signal.reason), { once: true });
  const cluster = {
    service,
    transport,
    clusterId: generateClusterId(),
    clusterSecret: generateClusterSecret(),
  };
  const nodeId = generateNodeId();
  const watching = new DiscoveryClient({ ...cluster, nodeId: generateNodeId() });
  const coming = new DiscoveryClient({ ...cluster, nodeId });
  const runs = [watching, coming].map((client) => client.run({ signal: stop.signal }));
  const ended = Promise.allSettled(runs);
  try {
    const changes = watching.watch({ signal: stop.signal })[Symbol.asyncIterator]();
    const affiliate = { nodeId, nodename: "worker-1", addresses: ["192.0.2.1", "2001:db8::1"] };
    coming.publish(affiliate, { endpoints: ["192.0.2.1:51820"] });
    const seen = await untilAffiliate(changes, nodeId, () => true);
    assert.equal(seen?.addresses, affiliate.addresses);
    assert.equal(seen?.endpoints, ["192.0.2.1:51820"]);

    coming.publish({ ...affiliate, nodename: "renamed" }, { endpoints: ["192.0.2.1:51820"] });
    await untilAffiliate(changes, nodeId, (found) => found?.nodename === "renamed");
    assert.equal([...watching.affiliates.keys()], [nodeId]);

    coming.withdraw();
    await untilAffiliate(changes, nodeId, (found) => found === undefined);
    assert.equal([...watching.affiliates.keys()], []);
  } finally {
    stop.abort(new Error("the test has seen enough"));
    await ended;
  }
}

/** A node as a service and a list know it, while another service cannot be reached. */
async function mergesRegistries(
  assert: Assert,
  signal: AbortSignal,
  transport: (url: string) => Transport,
  service: string,
): Promise<void> {
  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort(signal.reason), { once: true });
  const cluster = { clusterId: generateClusterId(), clusterSecret: generateClusterSecret() };
  const nodeId = generateNodeId();
  const node = new DiscoveryClient({ ...cluster, service, transport, nodeId });
  node.publish({ nodeId, nodename: "worker-1", addresses: ["192.0.2.1"] }, { endpoints: [] });
  const hosts = `
    - {nodeId: ${nodeId}, hostname: worker-1.example, addresses: [2001:db8::1]}
    - {nodename: nas, addresses: [192.0.2.9]}`;
  const away = new StaticRegistry({ affiliates: [] });
  const failing = Object.assign(Object.create(away), {
    name: "away",
    run: () => Promise.reject(new Error("away")),
  });
  const discovery = new Discovery({
    registries: [
      new StaticRegistry({ affiliates: parseStaticMembers(hosts, "hosts.yaml") }),
      new ServiceRegistry({
        ...cluster,
        services: [service],
        transport,
        nodeId: generateNodeId(),
      }),
      failing,
    ],
  });
  const runs = [node, discovery].map((one) => one.run({ signal: stop.signal }));
  const ended = Promise.allSettled(runs);
  try {
    const changes = discovery.watch({ signal: stop.signal });
    await untilChange(changes, () => discovery.state.rawAffiliates.has(`service/${nodeId}`));
    await discovery.settled({ signal: stop.signal });
    const merged = discovery.state.affiliates.get(nodeId)?.spec;
    assert.equal(merged?.addresses, ["192.0.2.1", "2001:db8::1"]);
    assert.equal(merged?.hostname, "worker-1.example");
    assert.equal([...discovery.state.members.keys()].sort(), ["nas", "worker-1"]);
    assert.equal(discovery.statuses.get("away")?.lastError?.code, "ERR_REGISTRY_FAILED");
  } finally {
    stop.abort(new Error("the test has seen enough"));
    await ended;
  }
}

async function untilChange(
  changes: AsyncIterable<DiscoveryChange>,
  isReached: () => boolean,
): Promise<void> {
  for await (const _ of changes) if (isReached()) return;
  throw new Error("the watch ended");
}

type Discovered = Extract<AffiliateChange, { kind: "updated" }>["affiliate"];

/** Reads changes until the node looks as wanted; `undefined` is a node that is not there. */
async function untilAffiliate(
  changes: AsyncIterator<AffiliateChange>,
  nodeId: string,
  wanted: (affiliate: Discovered | undefined) => boolean,
): Promise<Discovered | undefined> {
  for (;;) {
    const { value, done } = await changes.next();
    if (done) throw new Error("the watch ended");
    const change: AffiliateChange = value;
    if (change.kind === "snapshot") {
      const affiliate = change.affiliates.find((one) => one.nodeId === nodeId);
      if (affiliate !== undefined && wanted(affiliate)) return affiliate;
    } else if (change.kind === "deleted") {
      if (change.nodeId === nodeId && wanted(undefined)) return undefined;
    } else if (change.affiliate.nodeId === nodeId && wanted(change.affiliate)) {
      return change.affiliate;
    }
  }
}
