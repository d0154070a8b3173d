/**
 * TLS: certificates that change under a running service, and client certificates.
 * @module
 */
import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DiscoveryServer } from "../../../src/node/serve.ts";
import { checkTlsCredentials } from "../../../src/node/tls/tls-credentials.ts";
import { type TlsFiles, type TlsReload, watchTlsFiles } from "../../../src/node/tls/tls-files.ts";
import {
  CA,
  expectServing,
  grpcClient,
  startService,
  TLS,
} from "../../harness/service/test-service.ts";

const FIXTURES = new URL("../../fixtures/tls/", import.meta.url);
const pem = (name: string) => readFileSync(new URL(`${name}.pem`, FIXTURES), "utf8");
const CLIENT = { cert: pem("client"), key: pem("client-key") };

let folder = "";
let files: TlsFiles & { readonly clientCaPath: string };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "talos-discovery-"));
  files = {
    certificatePath: join(folder, "tls.crt"),
    keyPath: join(folder, "tls.key"),
    clientCaPath: join(folder, "ca.crt"),
  };
});
afterEach(() => rm(folder, { recursive: true }));

function put(path: string, name: string): Promise<void> {
  return copyFile(new URL(`${name}.pem`, FIXTURES), path);
}

async function putPair(name: string): Promise<void> {
  await put(files.certificatePath, name);
  await put(files.keyPath, `${name}-key`);
}

/** Shakes hands, waits until the server has had its say on client certificates, and hangs up. */
async function handshake(server: DiscoveryServer, options: ConnectionOptions = {}) {
  const socket = connect({
    host: "127.0.0.1",
    port: server.port,
    ca: CA,
    ALPNProtocols: ["http/1.1"],
    ...options,
  });
  try {
    await once(socket, "secureConnect");
    socket.write("GET /healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    // A refusal of TLS 1.3 comes after what the client takes for the end of the handshake.
    const closed = once(socket, "close").then(() => Promise.reject(new Error("closed")));
    await Promise.race([once(socket, "data"), closed]);
    return { subject: socket.getPeerCertificate().subject?.CN, protocol: socket.getProtocol() };
  } finally {
    socket.destroy();
  }
}

async function subjectOf(server: DiscoveryServer): Promise<string> {
  return String((await handshake(server)).subject);
}

/** A service on the files, and what it told of reloads. */
async function serviceOnFiles(options: Partial<TlsFiles> = {}) {
  const reloads: TlsReload[] = [];
  const { certificatePath, keyPath } = files;
  const server = await startService({
    tls: { certificatePath, keyPath, ...options },
    onTlsReload: (result) => reloads.push(result),
  });
  return { server, reloads };
}

test("key exchange has the groups that every client has, and none that costs much", async () => {
  await using server = await startService({ tls: TLS });
  for (const ecdhCurve of ["X25519", "P-256", "P-384", "P-521:P-256"]) {
    expect((await handshake(server, { ecdhCurve })).subject, ecdhCurve).toBe("localhost");
  }
  for (const ecdhCurve of ["P-521", "X448", "ffdhe3072"]) {
    await expect(handshake(server, { ecdhCurve }), ecdhCurve).rejects.toThrow(/handshake failure/);
  }
});

describe("files that change", () => {
  test("are served to new connections, and old ones go on", async () => {
    await putPair("server");
    const { server, reloads } = await serviceOnFiles();
    await using _ = server;
    expect(await subjectOf(server)).toBe("localhost");
    const before = grpcClient(server.url, { nodeOptions: { ca: CA } });
    const watch = before.watch({ clusterId: "c" })[Symbol.asyncIterator]();
    await watch.next();
    await putPair("renewed");
    await server.reloadTls();
    expect(await subjectOf(server)).toBe("renewed");
    expect(reloads).toEqual([
      { ok: true, subject: "CN=renewed", notAfter: checkTlsCredentials(pair("renewed")).notAfter },
    ]);
    expect(server.tls?.subject).toBe("CN=renewed");
    await before.affiliateUpdate({ clusterId: "c", affiliateId: "a", ttl: { seconds: 60n } });
    expect((await watch.next()).value?.affiliates).toMatchObject([{ id: "a" }]);
    await server.reloadTls();
    expect(reloads).toHaveLength(1);
  });

  test("by exchanged links, as in a mounted Kubernetes secret, are found by looking", async () => {
    const mount = async (version: string, name: string) => {
      await mkdir(join(folder, version));
      await put(join(folder, version, "tls.crt"), name);
      await put(join(folder, version, "tls.key"), `${name}-key`);
      await symlink(version, join(folder, "..data_tmp"));
      await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    };
    await mount("..one", "server");
    await symlink(join("..data", "tls.crt"), files.certificatePath);
    await symlink(join("..data", "tls.key"), files.keyPath);
    const { server } = await serviceOnFiles();
    await using _ = server;
    await mount("..two", "renewed");
    await expect.poll(() => subjectOf(server)).toBe("renewed");
  });

  test("to a bad pair leave the old one in force, and are told once", async () => {
    await putPair("server");
    const { server, reloads } = await serviceOnFiles();
    await using _ = server;
    const { certificatePath, keyPath } = files;
    const messages: string[] = [];
    const change = async (act: () => Promise<void>) => {
      await act();
      await server.reloadTls();
      await server.reloadTls();
      expect(await subjectOf(server)).toBe("localhost");
      const result = reloads.splice(0);
      expect(result).toMatchObject([{ ok: false, subject: "CN=localhost" }]);
      for (const one of result) if (!one.ok) messages.push(one.error.message);
    };
    await change(() => put(certificatePath, "renewed"));
    await change(() => writeFile(keyPath, pem("renewed-key").slice(0, 100)));
    await change(() => writeFile(certificatePath, pem("renewed").slice(0, 300)));
    await change(() => rm(keyPath));
    expect(messages).toEqual([
      `${keyPath}: not the key of the certificate in ${certificatePath}`,
      `${keyPath}: no PEM private key`,
      `${certificatePath}: no PEM certificate`,
      `${keyPath}: no such file or directory`,
    ]);
    await putPair("renewed");
    await server.reloadTls();
    expect(await subjectOf(server)).toBe("renewed");
    expect(reloads).toMatchObject([{ ok: true }]);
  });

  test("to a pair that the server refuses are a bad pair", async () => {
    await putPair("server");
    const results: TlsReload[] = [];
    const refusal = Object.assign(new Error("too weak"), { code: "ERR_CERTIFICATE_INVALID" });
    const { certificatePath, keyPath } = files;
    const watch = await watchTlsFiles(
      { certificatePath, keyPath },
      {
        use: () => {
          throw refusal;
        },
        onReload: (result) => results.push(result),
      },
    );
    await putPair("renewed");
    await watch.look();
    expect(results).toMatchObject([{ ok: false, error: refusal, subject: "CN=localhost" }]);
    expect(watch.current.certificate.subject).toBe("CN=localhost");
    watch.close();
  });

  test("are not looked at after the service has closed", async () => {
    await putPair("server");
    const { server, reloads } = await serviceOnFiles();
    await server.close();
    await putPair("renewed");
    await server.reloadTls();
    expect(reloads).toEqual([]);
  });
});

function pair(name: string) {
  return { cert: pem(name), key: pem(`${name}-key`) };
}

describe("at start", () => {
  test("files that are not there are an error that names them", async () => {
    await put(files.certificatePath, "server");
    await expect(serviceOnFiles()).rejects.toMatchObject({
      code: "ERR_FILE_UNREADABLE",
      message: `${files.keyPath}: no such file or directory`,
    });
  });

  test.each([
    ["a key of another certificate", { ...TLS, key: pem("client-key") }, "tls.key: not the key of"],
    ["a certificate that is cut", { ...TLS, cert: TLS.cert.slice(0, 300) }, "tls.cert: no PEM"],
    [
      "a certificate with changed bytes",
      { ...TLS, cert: TLS.cert.replace(/\n..../, "\nAAAA") },
      "tls.cert: certificate 1 of 1 does not parse",
    ],
    ["no certificate for clients", { ...TLS, clientCa: "" }, "tls.clientCa: no PEM certificate"],
    [
      "a key under a passphrase",
      {
        ...TLS,
        key: createPrivateKey(TLS.key)
          .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" })
          .toString(),
      },
      "tls.key: needs a passphrase",
    ],
  ])("%s is an error that says so", async (_what, tls, message) => {
    await expect(startService({ tls })).rejects.toMatchObject({
      code: "ERR_CERTIFICATE_INVALID",
      message: expect.stringContaining(message),
    });
  });

  test("the certificate in force is known", async () => {
    await using server = await startService({ tls: TLS });
    expect(server.tls?.subject).toBe("CN=localhost");
    expect(server.tls?.notAfter.getUTCFullYear()).toBeGreaterThan(2100);
    await using plain = await startService();
    expect(plain.tls).toBeUndefined();
  });
});

describe("client certificates", () => {
  test("are asked for where a CA is given, and only good ones pass", async () => {
    await using server = await startService({ tls: { ...TLS, clientCa: pem("client-ca") } });
    await expect(handshake(server)).rejects.toThrow();
    await expect(handshake(server, pair("renewed"))).rejects.toThrow();
    expect(await handshake(server, CLIENT)).toMatchObject({ subject: "localhost" });
    const client = grpcClient(server.url, { nodeOptions: { ca: CA, ...CLIENT } });
    expect((await client.hello({ clusterId: "c" })).clientIp).toHaveLength(4);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "are asked for by another CA after a change, also of sessions that are resumed (%s)",
    async (version) => {
      await putPair("server");
      await put(files.clientCaPath, "client-ca");
      const { server, reloads } = await serviceOnFiles({ clientCaPath: files.clientCaPath });
      await using _ = server;
      const protocol = { minVersion: version, maxVersion: version };
      const session = await ticket(server, { ...CLIENT, ...protocol });
      await handshake(server, { ...CLIENT, ...protocol, session });
      await put(files.clientCaPath, "ca");
      await server.reloadTls();
      expect(reloads).toMatchObject([{ ok: true }]);
      await expect(handshake(server, { ...CLIENT, ...protocol, session })).rejects.toThrow();
    },
  );

  test("a bad CA file changes nothing", async () => {
    await putPair("server");
    await put(files.clientCaPath, "client-ca");
    const { server, reloads } = await serviceOnFiles({ clientCaPath: files.clientCaPath });
    await using _ = server;
    await writeFile(files.clientCaPath, "");
    await server.reloadTls();
    expect(reloads).toMatchObject([
      { ok: false, error: { message: `${files.clientCaPath}: no PEM certificate` } },
    ]);
    await expect(handshake(server)).rejects.toThrow();
    await handshake(server, CLIENT);
  });
});

/** A session to resume. */
async function ticket(server: DiscoveryServer, options: ConnectionOptions): Promise<Buffer> {
  const socket = connect({
    host: "127.0.0.1",
    port: server.port,
    ca: CA,
    ALPNProtocols: ["http/1.1"],
    ...options,
  });
  const session = once(socket, "session");
  await once(socket, "secureConnect");
  socket.write("GET /healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  socket.resume();
  const [bytes] = (await session) as [Buffer];
  socket.destroy();
  return bytes;
}

describe("versions", () => {
  test.each(["TLSv1.2", "TLSv1.3"] as const)("%s is spoken", async (version) => {
    await using server = await startService({ tls: TLS });
    const { protocol } = await handshake(server, { minVersion: version, maxVersion: version });
    expect(protocol).toBe(version);
  });

  test("TLS 1.1 is refused", async () => {
    await using server = await startService({ tls: TLS });
    const old = handshake(server, {
      minVersion: "TLSv1.1",
      maxVersion: "TLSv1.1",
      // OpenSSL speaks it at no higher level.
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    // The server's word: the client was willing.
    await expect(old).rejects.toMatchObject({ code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" });
    await expectServing(server);
  });
});
