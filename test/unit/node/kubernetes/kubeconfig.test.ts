import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { stringify } from "yaml";
import { createNodeApi } from "../../../../src/node/index.ts";
import { readKubeconfig } from "../../../../src/node/kubernetes/kubernetes-credentials.ts";

const SECRET = "a-very-secret-token";

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
  path = join(folder, "kubeconfig");
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

type Entry = Record<string, unknown>;

function kubeconfig(changes: Entry = {}, cluster: Entry = {}, user: Entry = {}): string {
  const server = "https://kubernetes.test:6443";
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "talos", cluster: { server, ...cluster } }],
    users: [{ name: "admin@talos", user: { token: SECRET, ...user } }],
    contexts: [{ name: "talos", context: { cluster: "talos", user: "admin@talos" } }],
    "current-context": "talos",
    ...changes,
  });
}

async function read(text: string, context?: string) {
  await writeFile(path, text);
  return createNodeApi({ kubeconfig: path, context });
}

async function errorOf(text: string, context?: string): Promise<string> {
  const error = await read(text, context).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: "ERR_KUBECONFIG_INVALID" });
  const { message, cause } = error as Error;
  expect(`${message} ${JSON.stringify(cause)}`).not.toContain(SECRET);
  return message.replaceAll(folder, "");
}

describe("a kubeconfig file", () => {
  test("says where the API server is, without what is secret in its URL", async () => {
    expect((await read(kubeconfig())).source).toBe("https://kubernetes.test:6443");
    const rancher = kubeconfig({}, { server: "https://user:password@rancher.test/k8s/c-1/" });
    expect((await read(rancher)).source).toBe("https://rancher.test/k8s/c-1");
  });

  test("may be JSON", async () => {
    const json = JSON.stringify({
      clusters: [{ name: "c", cluster: { server: "https://c.test" } }],
      users: [{ name: "u", user: {} }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    });
    expect((await read(json)).source).toBe("https://c.test");
  });

  test("has contexts, of which another may be chosen", async () => {
    const text = kubeconfig({
      clusters: [
        { name: "talos", cluster: { server: "https://one.test" } },
        { name: "second", cluster: { server: "https://two.test" } },
      ],
      contexts: [
        { name: "talos", context: { cluster: "talos", user: "admin@talos" } },
        { name: "second", context: { cluster: "second", user: "admin@talos" } },
      ],
    });
    expect((await read(text)).source).toBe("https://one.test");
    expect((await read(text, "second")).source).toBe("https://two.test");
    expect(await errorOf(text, "third")).toBe('/kubeconfig:15: there is no context "third"');
  });

  test("gives the credentials of the context that was chosen", async () => {
    const users = ["first", "second"].map((name) => ({
      name,
      user: { token: `${SECRET}-${name}` },
    }));
    const contexts = users.map(({ name }) => ({ name, context: { cluster: "talos", user: name } }));
    await writeFile(path, kubeconfig({ users, contexts, "current-context": "first" }));
    const headersOf = async (context?: string) => {
      const { options } = await readKubeconfig(path, context);
      return (await options()).headers;
    };
    expect(await headersOf()).toEqual({ Authorization: `Bearer ${SECRET}-first` });
    expect(await headersOf("second")).toEqual({ Authorization: `Bearer ${SECRET}-second` });
  });

  test.each([
    ["is empty", "", "/kubeconfig: is empty"],
    ["is something else", "nodeId: abc\n", "/kubeconfig: is no kubeconfig"],
    ["is a web page", "<!doctype html>\n<p>Log in", "/kubeconfig: is no kubeconfig"],
    [
      "has a quote that is not closed",
      `clusters: []\nusers:\n- name: "admin\n  user: {token: ${SECRET}}\n`,
      "/kubeconfig:5: is not YAML (missing char)",
    ],
    [
      "has aliases that grow without bounds",
      `a: &a [x, x]\n${[..."bcdefghijk"].map((name, i) => `${name}: &${name} [${`*${"abcdefghij"[i]}, `.repeat(9)}x]\n`).join("")}clusters: *k\n`,
      "/kubeconfig: is no kubeconfig",
    ],
    [
      "names no context",
      kubeconfig({ "current-context": undefined }),
      "/kubeconfig: has no current-context",
    ],
    [
      "names a context that is not there",
      kubeconfig({ "current-context": "other" }),
      '/kubeconfig:16: there is no context "other"',
    ],
    [
      "has a context of a cluster that is not there",
      kubeconfig({ clusters: [] }),
      '/kubeconfig:11: there is no cluster "talos"',
    ],
    [
      "has a context of a user that is not there",
      kubeconfig({ users: [] }),
      '/kubeconfig:12: there is no user "admin@talos"',
    ],
    [
      "has a cluster without a server",
      kubeconfig({}, { server: undefined }),
      "/kubeconfig:4: clusters[0].cluster.server is missing",
    ],
    [
      "has a server that is no URL",
      kubeconfig({}, { server: "kubernetes.test:6443" }),
      "/kubeconfig:6: server: is no https:// URL",
    ],
    [
      "has a server without TLS",
      kubeconfig({}, { server: "http://kubernetes.test" }),
      "/kubeconfig:6: server: http:// needs insecure-skip-tls-verify: true",
    ],
    [
      "has an authority that is no certificate",
      kubeconfig({}, { "certificate-authority-data": "bm90aGluZw==" }),
      "/kubeconfig: a certificate or key of the context does not parse",
    ],
    [
      "has a key that is cut short",
      kubeconfig(
        {},
        {},
        { "client-certificate-data": "LS0tLS1CRUdJTg==", "client-key-data": "LS0=" },
      ),
      "/kubeconfig: a certificate or key of the context does not parse",
    ],
    [
      "names a certificate that is not there",
      kubeconfig({}, { "certificate-authority": "ca.crt" }),
      "/kubeconfig: /ca.crt cannot be read (ENOENT)",
    ],
  ])("that %s is refused, naming file and line", async (_what, text, message) => {
    expect(await errorOf(text)).toBe(message);
  });

  test("cut anywhere is refused with its name, or is as good as whole", async () => {
    const text = kubeconfig();
    for (let end = 0; end < text.length; end++) {
      const error = await read(text.slice(0, end)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) continue;
      expect(error).toMatchObject({ code: "ERR_KUBECONFIG_INVALID" });
      const { message } = error as Error;
      expect(message.startsWith(path)).toBe(true);
      expect(message).not.toContain(SECRET);
    }
  });

  test("has an exec plugin that sees no setting of this program", async () => {
    vi.stubEnv("TALOS_DISCOVERY_CLUSTER_SECRET", SECRET);
    onTestFinished(() => void vi.unstubAllEnvs());
    const script =
      '#!/bin/sh\necho "{\\"status\\":{\\"token\\":\\"$TALOS_DISCOVERY_CLUSTER_SECRET-$GIVEN\\"}}"\n';
    await writeFile(join(folder, "plugin.sh"), script, { mode: 0o755 });
    const exec = { command: "./plugin.sh", env: [{ name: "GIVEN", value: "given" }] };
    await writeFile(path, kubeconfig({}, {}, { token: undefined, exec }));
    const { options } = await readKubeconfig(path, undefined);
    expect((await options()).headers).toEqual({ Authorization: "Bearer -given" });
  });

  test("names files that would never end, and they are not read", async () => {
    await promisify(execFile)("mkfifo", [join(folder, "fifo")]);
    const why = "expected a regular file, found a FIFO";
    expect(await errorOf(kubeconfig({}, { "certificate-authority": "fifo" }))).toBe(
      `/kubeconfig: /fifo: ${why}`,
    );
    for (const key of ["client-certificate", "client-key"]) {
      expect(await errorOf(kubeconfig({}, {}, { [key]: "fifo" }))).toContain(`/fifo: ${why}`);
    }
    await writeFile(path, kubeconfig({}, {}, { token: undefined, tokenFile: "fifo" }));
    await expect(readKubeconfig(path, undefined)).rejects.toThrow(`fifo: ${why}`);
    const large = join(folder, "large");
    await writeFile(large, "");
    await truncate(large, 17 * 1024 * 1024);
    expect(await errorOf(kubeconfig({}, { "certificate-authority": "large" }))).toBe(
      "/kubeconfig: /large: is larger than 16 MiB",
    );
    await expect(createNodeApi({ kubeconfig: large })).rejects.toMatchObject({
      code: "ERR_FILE_UNREADABLE",
      message: `${large}: is larger than 16 MiB`,
    });
  });

  test("that is not there is said not to be", async () => {
    const missing = join(folder, "missing");
    await expect(createNodeApi({ kubeconfig: missing })).rejects.toMatchObject({
      code: "ERR_FILE_UNREADABLE",
      message: `${missing}: no such file or directory`,
    });
    await expect(createNodeApi({ kubeconfig: folder })).rejects.toMatchObject({
      code: "ERR_FILE_UNREADABLE",
    });
  });

  test("is left as it is", async () => {
    const text = kubeconfig();
    await read(text);
    expect(await readFile(path, "utf8")).toBe(text);
  });
});
