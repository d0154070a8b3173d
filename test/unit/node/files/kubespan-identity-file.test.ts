import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { publicKeyOf } from "../../../../src/kubespan/index.ts";
import { createKubeSpanIdentity, loadKubeSpanIdentity } from "../../../../src/node/index.ts";

const PLACE = {
  clusterId: "8XuV9TZHW08DOk3bVxQjH9ih_TBKjnh-j44tsCLSBzo=",
  mac: "2e:1a:b6:53:81:69",
};
const ADDRESS = "fd7f:175a:b97c:5602:2c1a:b6ff:fe53:8169/128";
const SUBNET = "fd7f:175a:b97c:5602::/64";
const PRIVATE_KEY = Buffer.alloc(32, 64).toString("base64");
const PUBLIC_KEY = publicKeyOf(PRIVATE_KEY);

const LINES = {
  address: ADDRESS,
  subnet: SUBNET,
  privateKey: PRIVATE_KEY,
  publicKey: PUBLIC_KEY,
};

function fileOf(changes: Readonly<Record<string, string | undefined>>): string {
  return Object.entries({ ...LINES, ...changes })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join("");
}

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kubespan-identity-"));
  path = join(folder, "kubespan-identity.yaml");
});

afterEach(() => rm(folder, { recursive: true }));

describe("a KubeSpan identity file", () => {
  test.each([
    ["as it is written", fileOf({})],
    [
      "in any order, quoted, with comments",
      `# ours\n---\npublicKey: "${PUBLIC_KEY}"\nprivateKey: '${PRIVATE_KEY}' # secret\nsubnet: ${SUBNET}\naddress: ${ADDRESS}`,
    ],
    ["with keys that are not known here", fileOf({ mtu: "1420" })],
  ])("is read: %s", async (_, text) => {
    await writeFile(path, text);
    const identity = await loadKubeSpanIdentity(path);
    expect(identity).toEqual({ address: ADDRESS, subnet: SUBNET, publicKey: PUBLIC_KEY });
    expect(identity.privateKey).toBe(PRIVATE_KEY);
  });

  test.each([
    ["empty", "", "empty"],
    ["no mapping", "a list\n", "expected lines such as address"],
    ["nested", `spec:\n  address: ${ADDRESS}\n`, "expected lines"],
    ["a key twice", `${fileOf({})}subnet: ${SUBNET}\n`, "subnet twice"],
    ["no private key", fileOf({ privateKey: undefined }), "no privateKey"],
    ["no public key", fileOf({ publicKey: undefined }), "no publicKey"],
    ["no address", fileOf({ address: undefined }), "no address"],
    ["no subnet", fileOf({ subnet: undefined }), "no subnet"],
    ["another's public key", fileOf({ publicKey: PRIVATE_KEY }), "publicKey does not belong"],
    [
      "a private key that is none",
      fileOf({ privateKey: PRIVATE_KEY.slice(1) }),
      "private key is not",
    ],
    [
      "an address of IPv4",
      fileOf({ address: "10.0.0.1/32" }),
      "address is not an IPv6 prefix of 128",
    ],
    ["an address without length", fileOf({ address: "fd00::1" }), "address is not an IPv6 prefix"],
    ["another subnet", fileOf({ subnet: "fd00::/64" }), "address is not in subnet"],
    [
      "a subnet of another length",
      fileOf({ subnet: "fd7f:175a::/32" }),
      "subnet is not an IPv6 prefix of 64",
    ],
  ])(
    "that is broken is an error that names it, shows no key, and stays as it is: %s",
    async (_, text, why) => {
      await writeFile(path, text);
      await expect(loadKubeSpanIdentity(path)).rejects.toMatchObject({
        code: "ERR_IDENTITY_FILE_INVALID",
        message: expect.stringMatching(new RegExp(`^${path}: .*${why}`)),
      });
      await expect(loadKubeSpanIdentity(path)).rejects.toMatchObject({
        message: expect.not.stringContaining(PRIVATE_KEY.slice(1)),
      });
      await expect(createKubeSpanIdentity(path, PLACE)).rejects.toThrow("exists");
      expect(await readFile(path, "utf8")).toBe(text);
    },
  );

  test("that is missing is told from one that is broken", async () => {
    await expect(loadKubeSpanIdentity(path)).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
  });

  test("is made for its owner alone, has Talos' four keys, and is kept", async () => {
    const made = await createKubeSpanIdentity(path, PLACE);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const { privateKey, publicKey } = made;
    expect(await readFile(path, "utf8")).toBe(fileOf({ privateKey, publicKey }));
    expect(await loadKubeSpanIdentity(path)).toEqual(made);
    await expect(createKubeSpanIdentity(path, PLACE)).rejects.toThrow("exists");
    expect(await loadKubeSpanIdentity(path)).toEqual(made);
  });

  test("is not made for a place that is none", async () => {
    await expect(createKubeSpanIdentity(path, { ...PLACE, mac: "eth0" })).rejects.toMatchObject({
      code: "ERR_MAC_INVALID",
    });
    await expect(stat(path)).rejects.toThrow("ENOENT");
  });
});
