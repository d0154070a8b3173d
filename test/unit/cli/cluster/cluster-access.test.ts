import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  addClusterFlags,
  type ClusterAccess,
  readClusterAccess,
  registriesOf,
} from "../../../../src/cli/cluster/cluster-access.ts";
import { UsageError } from "../../../../src/cli/exit.ts";
import { Flags } from "../../../../src/cli/flags/flags.ts";
import type { CliIo } from "../../../../src/cli/io.ts";
import { generateClusterId, generateClusterSecret } from "../../../../src/crypto/index.ts";
import { createTestFolder, type TestFolder } from "../../../harness/cli/test-folder.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ID = generateClusterId();
const SECRET = generateClusterSecret();
const OTHER_SECRET = generateClusterSecret();
/** The same bytes: the two bits of the last digit that belong to none are not 0. */
const ODD_SECRET = SECRET.replace(
  /.=$/,
  (end) => `${ALPHABET[ALPHABET.indexOf(end.charAt(0)) + 1]}=`,
);
const DEFAULT = "https://discovery.talos.dev/";

const OLDER = `  id: ${ID}\n  secret: ${SECRET}\n`;
const IDENTITY = `kind: DiscoveryIdentityConfig\napiVersion: v1alpha1\nclusterID: ${ID}\nclusterSecret: ${SECRET}\n`;
const SERVICES = ["lan", "wan"].map(
  (name) =>
    `---\nkind: DiscoveryServiceConfig\napiVersion: v1alpha1\nname: ${name}\nendpoint: http://${name}:3000\n`,
);

/** What stands in files, by name. */
const FILES = {
  "older.yaml": `cluster:\n  clusterName: home\n${OLDER}  discovery: {enabled: true}\n`,
  "newer.yaml": IDENTITY + SERVICES.join(""),
  "identity.yaml": IDENTITY,
  "services.yaml": SERVICES.join(""),
  "off.yaml": `cluster:\n${OLDER}  discovery: {enabled: false}\n`,
  "kubernetes.yaml": `cluster:\n${OLDER}  discovery: {enabled: true, registries: {service: {disabled: true}}}\n`,
  "nothing.yaml": `cluster:\n${OLDER}  discovery: {enabled: true, registries: {service: {disabled: true}, kubernetes: {disabled: true}}}\n`,
  "both.yaml": `cluster:\n${OLDER}  discovery: {}\n${SERVICES.join("")}`,
  "bad-url.yaml": `${IDENTITY}---\nkind: DiscoveryServiceConfig\napiVersion: v1alpha1\nname: a\nendpoint: http://x:99999\n`,
  "long-id.yaml": `cluster:\n  id: ${"x".repeat(257)}\n  secret: ${SECRET}\n`,
  secret: SECRET,
  "wrapped-secret": `${SECRET.slice(0, 20)}\r\n${SECRET.slice(20)}\n`,
  "block.yaml": `cluster:\n  id: ${ID}\n  secret: |\n    ${SECRET}\n`,
  "other-secret": OTHER_SECRET,
  "odd-secret": ODD_SECRET,
  "odd.yaml": `cluster:\n  id: ${ID}\n  secret: ${ODD_SECRET}\n`,
} as const;

let folder: TestFolder;

beforeAll(async () => {
  folder = await createTestFolder();
  for (const [name, text] of Object.entries(FILES)) await folder.file(name, text);
});

afterAll(() => folder[Symbol.asyncDispose]());

/** Reads a command line; `@name` is the path of a file. */
async function access(
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ClusterAccess> {
  const place = (text: string) => text.replace(/^@/, folder.path("/"));
  const argv = line.split(" ").filter(Boolean).map(place);
  const placed = Object.entries(env).map(([name, text]) => [name, place(text)] as const);
  const command = addClusterFlags(new Command()).parse(argv, { from: "user" });
  const io = {
    env: Object.fromEntries(placed),
    readStdin: async () => FILES["newer.yaml"],
  } as unknown as CliIo;
  return readClusterAccess(new Flags(command, io.env), io);
}

/** What is wrong with a command line, without the folder. */
async function complaint(line: string, env?: Readonly<Record<string, string>>): Promise<string> {
  const error: unknown = await access(line, env).then(
    () => new Error("was accepted"),
    (reason) => reason,
  );
  const { message } = error as Error;
  expect(message).not.toContain(SECRET.slice(0, 8));
  expect(message).not.toContain(OTHER_SECRET.slice(0, 8));
  return message.replaceAll(folder.path("/"), "");
}

const urlsOf = ({ services }: ClusterAccess) => services.map(({ url }) => url);

describe("--config", () => {
  test("in the older form names cluster, secret, name and service", async () => {
    expect(await access("--config @older.yaml")).toMatchObject({
      clusterId: ID,
      clusterSecret: SECRET,
      clusterName: "home",
      services: [{ name: "legacy", url: DEFAULT, host: "discovery.talos.dev:443" }],
      kubeconfig: undefined,
      staticFile: undefined,
    });
  });

  test("in the newer form names cluster, secret and services, from stdin too", async () => {
    for (const path of ["@newer.yaml", "-"]) {
      expect(await access(`--config ${path}`)).toMatchObject({
        clusterId: ID,
        clusterSecret: SECRET,
        services: [
          { name: "lan", url: "http://lan:3000", host: "lan:3000" },
          { name: "wan", url: "http://wan:3000", host: "wan:3000" },
        ],
      });
    }
  });

  test("that names a cluster alone leaves the service to flags, and to the default", async () => {
    expect(urlsOf(await access("--config @identity.yaml"))).toStrictEqual([DEFAULT]);
    expect(urlsOf(await access("--config @identity.yaml --service http://x"))).toStrictEqual([
      "http://x",
    ]);
  });

  test("that names services alone takes the cluster from flags", async () => {
    const line = "--config @services.yaml --cluster-id c --cluster-secret-file @secret";
    const found = await access(line);
    expect(found).toMatchObject({ clusterId: "c", clusterSecret: SECRET });
    expect(urlsOf(found)).toStrictEqual(["http://lan:3000", "http://wan:3000"]);
    expect(await complaint("--config @services.yaml")).toBe(
      "services.yaml has no cluster secret, and --cluster-secret-file is missing (or TALOS_DISCOVERY_CLUSTER_SECRET)",
    );
    expect(await complaint("--config @services.yaml --cluster-secret-file @secret")).toBe(
      "services.yaml has no cluster ID, and --cluster-id is missing (or TALOS_DISCOVERY_CLUSTER_ID)",
    );
  });

  test("with discovery off is an error that says so, unless a flag names whom to ask", async () => {
    expect(await complaint("--config @off.yaml")).toBe(
      "off.yaml: discovery is off; --service names a service to ask all the same",
    );
    expect(urlsOf(await access("--config @off.yaml --service http://x"))).toStrictEqual([
      "http://x",
    ]);
    const beside = await access("--config @off.yaml --kubeconfig k");
    expect(beside).toMatchObject({ clusterId: ID, services: [], kubeconfig: "k" });
  });

  test("without any registry that can be asked is an error", async () => {
    expect(await complaint("--config @kubernetes.yaml")).toBe(
      "kubernetes.yaml: only the Kubernetes registry is on, and --kubeconfig is missing",
    );
    expect(await complaint("--config @nothing.yaml")).toBe(
      "nothing.yaml: both registries are disabled; --service names a service to ask all the same",
    );
    expect(registriesOf(await access("--config @kubernetes.yaml --kubeconfig k"))).toBe("k8s");
  });

  test("that is wrong is named with document, line and key", async () => {
    expect(await complaint("--config @both.yaml")).toMatch(
      /^both\.yaml: document 1, line 4: cluster\.discovery: excludes documents/,
    );
    expect(await complaint("--config @bad-url.yaml")).toMatch(
      /^bad-url\.yaml: service a: service URL "http:\/\/x:99999": no valid host and port/,
    );
    expect(await complaint("--config @secret")).toBe(
      "secret: document 1, line 1: is no mapping of keys to values",
    );
    for (const name of ["config", "cluster-secret-file"]) {
      expect(await complaint(`--${name} @long-id.yaml`)).toBe(
        "long-id.yaml: the cluster's ID is 257 bytes long, more than 256",
      );
    }
    expect(await complaint("--config - --cluster-secret-file -")).toBe(
      "--config and --cluster-secret-file: stdin can be only one of them",
    );
    expect(await complaint("--config @missing")).toBe("missing: no such file or directory");
  });
});

describe("--config with flags", () => {
  test("that say the same is fine", async () => {
    const line = `--config @older.yaml --cluster-id ${ID} --cluster-secret-file @secret`;
    expect(await access(line)).toMatchObject({ clusterId: ID, clusterSecret: SECRET });
    expect(await access("--config @older.yaml --cluster-secret-file @newer.yaml")).toMatchObject({
      clusterId: ID,
    });
  });

  test("that contradict is an error that names both", async () => {
    expect(await complaint("--config @older.yaml --cluster-id other")).toBe(
      "--cluster-id and --config: two different cluster IDs",
    );
    expect(await complaint("--config @older.yaml --cluster-secret-file @other-secret")).toBe(
      "--config and --cluster-secret-file: two different cluster secrets",
    );
    const env = { TALOS_DISCOVERY_CONFIG: "@older.yaml" };
    expect(await complaint("", { ...env, TALOS_DISCOVERY_CLUSTER_ID: "other" })).toBe(
      "TALOS_DISCOVERY_CLUSTER_ID and TALOS_DISCOVERY_CONFIG: two different cluster IDs",
    );
    expect(await complaint("", { ...env, TALOS_DISCOVERY_CLUSTER_SECRET: OTHER_SECRET })).toBe(
      "TALOS_DISCOVERY_CONFIG and TALOS_DISCOVERY_CLUSTER_SECRET: two different cluster secrets",
    );
  });

  test("on the command line goes before what the environment says", async () => {
    const env = {
      TALOS_DISCOVERY_CLUSTER_ID: "other",
      TALOS_DISCOVERY_CLUSTER_SECRET: "not even a secret",
    };
    expect(await access("--config @older.yaml", env)).toMatchObject({
      clusterId: ID,
      clusterSecret: SECRET,
    });
    const line = "--cluster-id other --cluster-secret-file @other-secret";
    expect(await access(line, { TALOS_DISCOVERY_CONFIG: "@older.yaml" })).toMatchObject({
      clusterId: "other",
      clusterSecret: OTHER_SECRET,
    });
  });

  test("overrides the services", async () => {
    const line = "--config @newer.yaml --service http://a --service grpc://b:1,https://c";
    expect((await access(line)).services).toStrictEqual([
      { name: "a:80", url: "http://a", host: "a:80" },
      { name: "b:1", url: "grpc://b:1", host: "b:1" },
      { name: "c:443", url: "https://c", host: "c:443" },
    ]);
  });
});

describe("services", () => {
  const CLUSTER = "--cluster-id c --cluster-secret-file @secret";

  test("are one by default, and each counts once", async () => {
    expect(urlsOf(await access(CLUSTER))).toStrictEqual([DEFAULT]);
    expect(
      urlsOf(await access(`${CLUSTER} --service http://a --service http://A:80/`)),
    ).toHaveLength(1);
  });

  test("lose a user and a password, also where they are wrong", async () => {
    expect(urlsOf(await access(`${CLUSTER} --service http://me:p@ss@a:3000/x`))).toStrictEqual([
      "http://a:3000/x",
    ]);
    expect(await complaint(`${CLUSTER} --service https://me:pass@a:99999`)).toBe(
      '--service: service URL "https://a:99999": no valid host and port',
    );
  });

  test("with one host and port and different schemes are two", async () => {
    const line = `${CLUSTER} --service http://a:3000 --service https://A:3000/,grpc://a:3000`;
    expect((await access(line)).services).toStrictEqual([
      { name: "http://a:3000", url: "http://a:3000", host: "a:3000" },
      { name: "grpc://a:3000", url: "grpc://a:3000", host: "a:3000" },
    ]);
  });

  test("are none beside --kubeconfig or --static, unless a cluster is named", async () => {
    expect(urlsOf(await access("--kubeconfig k"))).toStrictEqual([]);
    expect(urlsOf(await access("--static s"))).toStrictEqual([]);
    expect(urlsOf(await access(`--kubeconfig k ${CLUSTER}`))).toStrictEqual([DEFAULT]);
    expect(await complaint("--kubeconfig k --service http://a")).toBe(
      "--cluster-secret-file is missing (or TALOS_DISCOVERY_CLUSTER_SECRET)",
    );
  });

  test("are none with off, which needs another registry", async () => {
    const line = `${CLUSTER} --service off`;
    const found = await access(`${line} --kubeconfig in-cluster --static s`);
    expect(found).toMatchObject({ services: [], kubeconfig: "in-cluster", staticFile: "s" });
    expect(registriesOf(found)).toBe("k8s,static");
    expect(await complaint(line)).toBe(
      "--service: off, and neither --kubeconfig nor --static is given",
    );
    expect(await complaint(`${line} --service http://a`)).toBe(
      "--service: off and http://a exclude each other",
    );
  });

  test("are named together for the node that answers", async () => {
    const line = `${CLUSTER} --service http://a,http://[::1]:3000 --static s`;
    expect(registriesOf(await access(line))).toBe("a:80,[::1]:3000,static");
  });
});

test("a secret with line ends is the secret without them, wherever it is written", async () => {
  for (const name of ["wrapped-secret", "block.yaml"]) {
    const found = await access(
      `--service http://s.test --cluster-id ${ID} --cluster-secret-file @${name}`,
    );
    expect(found.clusterSecret, name).toBe(SECRET);
  }
  expect(
    await access(
      "--service http://s.test --config @block.yaml --cluster-secret-file @wrapped-secret",
    ),
  ).toMatchObject({
    clusterSecret: SECRET,
  });
});

test("a cluster's ID beside the secret is a default, which --cluster-id replaces", async () => {
  expect(await access("--cluster-secret-file @newer.yaml")).toMatchObject({ clusterId: ID });
  expect(await access("--cluster-secret-file @older.yaml --cluster-id c")).toMatchObject({
    clusterId: "c",
    clusterSecret: SECRET,
  });
});

test("the secret's file may be any configuration that has it, and takes nothing else from it", async () => {
  for (const name of ["older.yaml", "newer.yaml", "off.yaml", "secret"]) {
    const found = await access(`--cluster-id c --cluster-secret-file @${name}`);
    expect(found.clusterSecret).toBe(SECRET);
    expect(urlsOf(found)).toStrictEqual([DEFAULT]);
  }
  expect(await complaint("--cluster-secret-file @services.yaml")).toBe(
    "services.yaml: neither a cluster secret nor a document with clusterSecret",
  );
});

test("what is wrong is the user's mistake", async () => {
  await expect(access("")).rejects.toThrow(UsageError);
  await expect(access("")).rejects.toThrow(/^--cluster-secret-file is missing/);
});

test.each([
  ["--config @older.yaml", true],
  ["--config @newer.yaml", true],
  ["--config @block.yaml --service http://a", true],
  ["--config @odd.yaml --service http://a", false],
  ["--cluster-id c --cluster-secret-file @secret", true],
  ["--cluster-id c --cluster-secret-file @wrapped-secret", true],
  ["--cluster-id c --cluster-secret-file @odd-secret", false],
  ["--cluster-secret-file @odd.yaml", false],
])("a secret is the same in any form that Go takes, and known to be odd: %s", async (line, is) => {
  const { clusterSecret, isSecretCanonical } = await access(line);
  expect([clusterSecret, isSecretCanonical]).toEqual([SECRET, is]);
});

test("a secret of the environment is known to be odd, too", async () => {
  const read = await access("--cluster-id c", { TALOS_DISCOVERY_CLUSTER_SECRET: ODD_SECRET });
  expect([read.clusterSecret, read.isSecretCanonical]).toEqual([SECRET, false]);
});
