/** Who may use the Kubernetes registry, and with which credentials, before the real API server. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from "vitest";
import type { DiscoveryError } from "../../src/errors.ts";
import { readServiceAccount } from "../../src/node/kubernetes/kubernetes-credentials.ts";
import { createNodeApi, nodeApiWith } from "../../src/node/kubernetes/kubernetes-nodes.ts";
import { createAffiliateSpec } from "../../src/resources/affiliate.ts";
import {
  ANNOTATIONS,
  KubernetesRegistry,
  type NodeApi,
} from "../../src/sources/kubernetes/index.ts";
import {
  annotationsOf,
  type KubeconfigUser,
  nodeObject,
  writeKubeconfig,
} from "../harness/kubernetes/cluster.ts";
import { KubeApi } from "../harness/kubernetes/kube-api.ts";
import { startConnectProxy } from "../harness/net/connect-proxy.ts";
import { TLS_FIXTURES } from "../harness/paths.ts";
import { accountToken } from "./harness/account.ts";

const KUBELET = "system:node:worker-1";
const LOCAL = createAffiliateSpec({ nodeId: "me", addresses: ["10.0.0.9"] });

let api: KubeApi;
let folder: string;
let stop = new AbortController();
const running: Promise<void>[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
  api = await KubeApi.start(inject("kubeApiServer"), {
    users: [{ name: "nobody" }, { name: "lister" }, { name: KUBELET, groups: ["system:nodes"] }],
    args: [`--client-ca-file=${TLS_FIXTURES}/client-ca.pem`],
  });
  await grant("lister", ["list"]);
  // The subject of the certificate.
  await grant("a client", ["list", "watch"]);
  const annotations = { [ANNOTATIONS.nodeId]: "other", [ANNOTATIONS.addresses]: "10.0.0.1" };
  await api.create(nodeObject("worker-2", { annotations }));
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running.splice(0));
  stop = new AbortController();
});

afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function grant(user: string, verbs: readonly string[]): Promise<void> {
  const name = user.replace(" ", "-");
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const rules = [{ apiGroups: [""], resources: ["nodes"], verbs }];
  await api.create({ apiVersion, kind: "ClusterRole", metadata: { name }, rules });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name };
  const subjects = [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: user }];
  await api.create({
    apiVersion,
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef,
    subjects,
  });
}

async function nodesAs(user: KubeconfigUser): Promise<NodeApi> {
  return createNodeApi({ kubeconfig: await writeKubeconfig(folder, api, user) });
}

function start(nodes: NodeApi, nodeName?: string): KubernetesRegistry {
  const registry = new KubernetesRegistry({ nodes, nodeName });
  running.push(registry.run({ signal: stop.signal }));
  return registry;
}

async function expectFound(nodes: NodeApi): Promise<void> {
  const registry = start(nodes);
  await expect.poll(() => registry.status.lastError ?? registry.status.phase).toBe("connected");
  expect([...registry.affiliates.keys()]).toContain("other");
}

/** What a registry says that cannot read. */
async function complaintOf(nodes: NodeApi): Promise<DiscoveryError> {
  const registry = start(nodes);
  await expect.poll(() => registry.status.phase).toBe("waiting");
  return registry.status.lastError as DiscoveryError;
}

describe("what an account may", () => {
  test("the service account of the manifest reads, and writes annotations", async () => {
    await api.create(nodeObject("mine"));
    const token = await accountToken(api, "node-annotations");
    const nodes = await nodesAs({ token });
    await expectFound(nodes);
    const registry = start(nodes, "mine");
    registry.publish?.({ affiliate: LOCAL });
    await registry.flush();
    expect((await annotationsOf(api, "mine"))[ANNOTATIONS.nodeId]).toBe("me");
    registry.withdraw?.();
    await registry.flush();
  });

  test("the service account that only reads is told what it lacks to write", async () => {
    const token = await accountToken(api, "node-annotations-reader");
    const nodes = await nodesAs({ token });
    await expectFound(nodes);
    const registry = start(nodes, "worker-2");
    registry.publish?.({ affiliate: LOCAL });
    await expect
      .poll(() => registry.status.lastError?.message)
      .toMatch(
        /cannot patch resource "nodes".*The account needs get, list and watch on nodes, and patch.*deploy\/kubernetes\/node-annotations\.yaml/,
      );
    expect(registry.status.phase).toBe("connected");
    expect(registry.status.lastError?.code).toBe("ERR_KUBERNETES_FORBIDDEN");
  });

  test("an account without a role is told that it may not list", async () => {
    const { code, message } = await complaintOf(await nodesAs({ token: api.token("nobody") }));
    expect(code).toBe("ERR_KUBERNETES_FORBIDDEN");
    expect(message).toMatch(/User "nobody" cannot list resource "nodes".*The account needs/);
  });

  test("an account that may list and not watch is told so, and what it saw is known", async () => {
    const registry = start(await nodesAs({ token: api.token("lister") }));
    await expect
      .poll(() => registry.status.lastError?.message)
      .toMatch(/User "lister" cannot watch resource "nodes"/);
    expect([...registry.affiliates.keys()]).toContain("other");
  });

  test("an account that is granted a role later needs no restart", async () => {
    const registry = start(await nodesAs({ token: api.token("nobody") }));
    await expect.poll(() => registry.status.phase).toBe("waiting");
    await grant("nobody", ["list", "watch"]);
    await expect.poll(() => registry.status.phase).toBe("connected");
  });

  test("a kubelet may not see other nodes, and is told what to do; its own node it may annotate", async () => {
    await api.create(nodeObject("worker-1"));
    const nodes = await nodesAs({ token: api.token(KUBELET) });
    const registry = start(nodes, "worker-1");
    registry.publish?.({ affiliate: LOCAL });
    await registry.flush();
    expect((await annotationsOf(api, "worker-1"))[ANNOTATIONS.nodeId]).toBe("me");
    await expect.poll(() => registry.status.phase).toBe("waiting");
    expect(registry.status.lastError).toMatchObject({
      code: "ERR_KUBERNETES_FORBIDDEN",
      message: `${api.url}: these are a kubelet's credentials ("system:node:worker-1"), which may not list other nodes since Kubernetes 1.32. Use those of a service account: apply deploy/kubernetes/node-annotations.yaml`,
    });
    const other = start(nodes, "worker-2");
    other.publish?.({ affiliate: LOCAL });
    await expect.poll(() => other.status.lastError?.code).toBe("ERR_KUBERNETES_FORBIDDEN");
    expect((await annotationsOf(api, "worker-2"))[ANNOTATIONS.nodeId]).toBe("other");
  });
});

describe("credentials of a kubeconfig file", () => {
  test("a client certificate, from the file and from files beside it", async () => {
    const [certificate, key] = await Promise.all(
      ["client.pem", "client-key.pem"].map((name) => readFile(join(TLS_FIXTURES, name))),
    );
    await expectFound(
      await nodesAs({
        "client-certificate-data": certificate?.toString("base64"),
        "client-key-data": key?.toString("base64"),
      }),
    );
    for (const name of ["client.pem", "client-key.pem"]) {
      await writeFile(join(folder, name), await readFile(join(TLS_FIXTURES, name)));
    }
    await expectFound(
      await nodesAs({ "client-certificate": "client.pem", "client-key": "client-key.pem" }),
    );
  });

  test("a token in a file beside it", async () => {
    await writeFile(join(folder, "token"), api.token("admin"));
    await expectFound(await nodesAs({ tokenFile: "token" }));
  });

  test("a plugin beside it, which is told that nobody sits before it", async () => {
    const status = { token: api.token("admin") };
    const apiVersion = "client.authentication.k8s.io/v1";
    const answer = JSON.stringify({ apiVersion, kind: "ExecCredential", status });
    const script = `#!/bin/sh\ncase "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) echo '${answer}';; *) exit 1;; esac\n`;
    await writeFile(join(folder, "plugin"), script, { mode: 0o700 });
    await expectFound(await nodesAs({ exec: { apiVersion, command: "./plugin" } }));
  });

  test("a plugin that fails is quoted", async () => {
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1",
      command: "sh",
      args: ["-c", "echo please log in >&2; exit 3"],
    };
    expect(await complaintOf(await nodesAs({ exec }))).toMatchObject({
      code: "ERR_KUBERNETES_UNAUTHORIZED",
      message: `${api.url}: no credentials to be had: please log in`,
    });
    const secret = { ...exec, args: ["-c", "echo secret"] };
    expect((await complaintOf(await nodesAs({ exec: secret }))).message).toBe(
      `${api.url}: no credentials to be had: what the plugin printed is not JSON`,
    );
    const missing = { ...exec, command: "no-such-plugin" };
    expect((await complaintOf(await nodesAs({ exec: missing }))).message).toContain(
      "spawn no-such-plugin ENOENT",
    );
  });

  test("a token that is not accepted is said to be none, and a better file is found without a restart", async () => {
    const registry = start(await nodesAs({ token: "wrong" }));
    await expect
      .poll(() => registry.status.lastError)
      .toMatchObject({
        code: "ERR_KUBERNETES_UNAUTHORIZED",
        message: `${api.url} does not accept these credentials (401: Unauthorized): they are wrong or have expired`,
      });
    await writeKubeconfig(folder, api, { token: api.token("admin") });
    await expect.poll(() => registry.status.phase).toBe("connected");
  });

  test("a proxy is gone through, for each request", async () => {
    await using proxy = await startConnectProxy();
    const kubeconfig = await writeKubeconfig(
      folder,
      api,
      { token: api.token("admin") },
      { "proxy-url": `http://127.0.0.1:${proxy.port}` },
    );
    await expectFound(await createNodeApi({ kubeconfig }));
    const { host } = new URL(api.url);
    expect(proxy.requests.map(({ target }) => target)).toEqual([host, host]);
  });

  test("a server with another certificate is not talked to", async () => {
    const ca = await readFile(join(TLS_FIXTURES, "ca.pem"));
    const kubeconfig = await writeKubeconfig(
      folder,
      api,
      { token: api.token("admin") },
      { "certificate-authority-data": ca.toString("base64") },
    );
    const { code, message } = await complaintOf(await createNodeApi({ kubeconfig }));
    expect(code).toBe("ERR_KUBERNETES_UNAVAILABLE");
    expect(message).toMatch(/certificate/);
  });

  test("no secret of the file is in an error", async () => {
    const token = "a-very-secret-token";
    const error = await complaintOf(await nodesAs({ token }));
    expect(JSON.stringify([error, error.message, String(error.stack)])).not.toContain(token);
  });
});

test("in a pod the service account is used, and its token read again when it has changed", async () => {
  const mounted = join(folder, "var/run/secrets/kubernetes.io/serviceaccount");
  await mkdir(mounted, { recursive: true });
  await writeFile(join(mounted, "ca.crt"), await readFile(api.certificate));
  const token = await accountToken(api, "node-annotations");
  await writeFile(join(mounted, "token"), token);
  const { hostname, port } = new URL(api.url);
  vi.stubEnv("KUBERNETES_SERVICE_HOST", hostname);
  vi.stubEnv("KUBERNETES_SERVICE_PORT", port);
  try {
    await expectFound(await nodeApiWith(() => readServiceAccount(folder)));
    await writeFile(join(mounted, "token"), "expired");
    const nodes = await nodeApiWith(() => readServiceAccount(folder));
    const registry = start(nodes);
    await expect.poll(() => registry.status.lastError?.code).toBe("ERR_KUBERNETES_UNAUTHORIZED");
    await writeFile(join(mounted, "token"), token);
    await expect.poll(() => registry.status.phase).toBe("connected");
  } finally {
    vi.unstubAllEnvs();
  }
});

test("outside of a pod there is no service account", async () => {
  vi.stubEnv("KUBERNETES_SERVICE_HOST", "");
  try {
    await expect(createNodeApi()).rejects.toMatchObject({
      code: "ERR_KUBECONFIG_INVALID",
      message: expect.stringContaining("KUBERNETES_SERVICE_HOST"),
    });
  } finally {
    vi.unstubAllEnvs();
  }
});
