/** Handshakes with real servers, and certificates made for the occasion. */
import { createServer, type TlsOptions } from "node:tls";
import { describe, expect, test } from "vitest";
import { checkTls } from "../../../../src/cli/diagnose/tls-check.ts";
import { CA, TLS } from "../../../harness/service/test-service.ts";
import { type CertificateOptions, type Issued, issueCertificate } from "./certificates.ts";
import {
  checkOf,
  diagnose,
  diagnoseCheck,
  listen,
  routeTo,
  speaking,
  startTestService,
} from "./diagnose-harness.ts";

const DAY_MS = 86_400_000;

const authority = issueCertificate({ subject: "test authority", isCa: true, toDays: 3650 });

/** A certificate for this machine, unless told otherwise. */
function issue(options: Partial<CertificateOptions> = {}): Issued {
  return issueCertificate({
    subject: "service",
    issuer: authority,
    names: ["127.0.0.1", "localhost"],
    ...options,
  });
}

async function checkCertificate({ cert, key }: Issued, ca = authority.cert) {
  const { url } = await startTestService({ tls: { cert, key } });
  const diagnosis = await diagnose(url, { ca });
  return { tls: checkOf(diagnosis, "tls"), hello: checkOf(diagnosis, "hello") };
}

describe("TLS", () => {
  test("with a good certificate is ok, and tells version, names and days", async () => {
    const { tls, hello } = await checkCertificate(issue({ toDays: 90.5 }));
    expect(tls).toMatchObject({
      status: "ok",
      summary: "TLSv1.3, certificate of test authority, 90 days left",
      details: {
        version: "TLSv1.3",
        names: ["127.0.0.1", "localhost"],
        daysLeft: 90,
        problems: [],
        chain: [{ subject: "service", issuer: "test authority" }, {}],
      },
    });
    expect(hello.status).toBe("ok");
  });

  test("that expires within 14 days is a warning, and all goes on", async () => {
    const { tls, hello } = await checkCertificate(issue({ fromDays: -76, toDays: 13.5 }));
    expect(tls).toMatchObject({
      status: "warning",
      summary: "the certificate expires in 13 days",
      hint: expect.stringContaining("Renew it now"),
      details: { daysLeft: 13, problems: ["expires-soon"] },
    });
    expect(hello.status).toBe("ok");
  });

  test("that lives for days only is a warning when less than a third of them is left", async () => {
    expect((await checkCertificate(issue({ fromDays: -3, toDays: 3 }))).tls.status).toBe("ok");
    expect((await checkCertificate(issue({ fromDays: -5, toDays: 0.5 }))).tls).toMatchObject({
      status: "warning",
      summary: "the certificate expires within a day",
    });
  });

  test("that has expired fails, and says since when", async () => {
    const { tls, hello } = await checkCertificate(issue({ fromDays: -9, toDays: -2.5 }));
    const day = new Date(Date.now() - 2.5 * DAY_MS).toISOString().slice(0, 10);
    expect(tls).toMatchObject({
      status: "failed",
      summary: `the certificate expired on ${day}, 2 days ago`,
      hint: expect.stringContaining("Renew it"),
      details: { problems: ["expired"] },
    });
    expect(hello).toMatchObject({ status: "skipped", blockedBy: "tls" });
  });

  test("that is not valid yet hints at the clock", async () => {
    const { tls } = await checkCertificate(issue({ fromDays: 1 }));
    expect(tls).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("the certificate is not valid before"),
      hint: expect.stringContaining("clock right"),
      details: { problems: ["not-yet-valid"] },
    });
  });

  test("for another name says which names it has", async () => {
    const { tls } = await checkCertificate(issue({ names: ["discovery.example", "10.0.0.1"] }));
    expect(tls).toMatchObject({
      status: "failed",
      summary: "the certificate is for discovery.example, 10.0.0.1, not for 127.0.0.1",
      hint: expect.stringContaining("make a certificate for 127.0.0.1"),
      details: { problems: ["wrong-name"] },
    });
  });

  test("without names says that the common name does not count", async () => {
    const { tls } = await checkCertificate(issue({ names: [] }));
    expect(tls).toMatchObject({
      status: "failed",
      summary: "the certificate is for no name, not for 127.0.0.1",
      hint: expect.stringContaining("subjectAltName"),
    });
  });

  test("of an unknown authority names it, and --ca-file", async () => {
    const { tls } = await checkCertificate(issue(), CA);
    expect(tls).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("signed by test authority, which is not trusted"),
      hint: expect.stringContaining("--ca-file"),
      details: { problems: ["untrusted"] },
    });
  });

  test("of itself says so", async () => {
    const { tls } = await checkCertificate(
      issueCertificate({ subject: "home made", names: ["127.0.0.1"] }),
    );
    expect(tls).toMatchObject({
      status: "failed",
      summary: "the certificate is signed by itself (home made)",
      hint: expect.stringContaining("TrustedRootsConfig"),
    });
  });

  test("of a product that opens TLS on the way names it", async () => {
    const interceptor = issueCertificate({ subject: "Zscaler Intermediate Root CA", isCa: true });
    const { tls } = await checkCertificate(issue({ issuer: interceptor }));
    expect(tls).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("Zscaler Intermediate Root CA stands between"),
      hint: expect.stringContaining("leave this host alone"),
    });
  });

  test("with more than one fault tells of all", async () => {
    const { tls } = await checkCertificate(
      issue({ names: ["discovery.example"], fromDays: -9, toDays: -2 }),
      CA,
    );
    expect(tls.details?.problems).toEqual(expect.arrayContaining(["expired", "wrong-name"]));
  });

  test("of an authority that has expired fails, also where that was not sent", async () => {
    const expired = issueCertificate({
      subject: "old authority",
      isCa: true,
      fromDays: -9,
      toDays: -2,
    });
    const { tls, hello } = await checkCertificate(issue({ issuer: expired }), expired.cert);
    expect(tls).toMatchObject({ status: "failed", hint: expect.stringContaining("clock") });
    expect(hello.blockedBy).toBe("tls");
  });

  test("where the server speaks plaintext says how to write the URL", async () => {
    const { port } = await startTestService();
    expect(await diagnoseCheck("tls", `https://127.0.0.1:${port}`)).toMatchObject({
      status: "failed",
      summary: "the server does not speak TLS here",
      hint: `If it is a plaintext service, write http://127.0.0.1:${port}.`,
    });
  });

  test("with a server that says nothing ends in time", async () => {
    const port = await listen(speaking(""));
    const route = routeTo(`https://127.0.0.1:${port}`);
    const { finding } = await checkTls(route, {}, AbortSignal.timeout(50));
    expect(finding).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("the handshake got no answer: "),
      hint: expect.stringContaining("swallow"),
    });
  });

  test("with a server that hangs up tells of the cut", async () => {
    const port = await listen(speaking("", { ends: true }));
    expect(await diagnoseCheck("tls", `https://127.0.0.1:${port}`)).toMatchObject({
      status: "failed",
      summary: expect.stringContaining("the handshake failed"),
      hint: expect.stringContaining("firewall"),
    });
  });

  test("in an old version says which are needed", async () => {
    const port = await listenTls({
      maxVersion: "TLSv1.1",
      minVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const check = await diagnoseCheck("tls", `https://127.0.0.1:${port}`);
    expect(check).toMatchObject({
      status: "failed",
      summary: "no TLS version in common",
      hint: expect.stringContaining("1.2 or 1.3"),
    });
  });

  test.each([
    ["unrecognized_name", 112, "the server knows no certificate for 127.0.0.1", "list of names"],
    ["certificate_required", 116, "the server asks for a client certificate", "have none to show"],
    ["handshake_failure", 40, "the handshake failed", "the server's log"],
  ])("that ends with the alert %s is explained", async (_name, alert, summary, hint) => {
    // RFC 8446, 6: a fatal alert.
    const port = await listen(speaking(new Uint8Array([0x15, 3, 3, 0, 2, 2, alert])));
    expect(await diagnoseCheck("tls", `https://127.0.0.1:${port}`)).toMatchObject({
      status: "failed",
      summary: expect.stringContaining(summary),
      hint: expect.stringContaining(hint),
    });
  });

  test("is not needed where the URL says plaintext", async () => {
    const route = routeTo("http://127.0.0.1:1");
    const { finding, value } = await checkTls(route, {}, AbortSignal.timeout(1000));
    expect(finding.status).toBe("skipped");
    expect(value).toBe(route);
  });

  test("with client certificates asked for says that nodes have none", async () => {
    const { url } = await startTestService({ tls: { ...TLS, clientCa: CA } });
    const diagnosis = await diagnose(url);
    const failed = diagnosis.hops[0]?.checks.find(({ status }) => status === "failed");
    expect(failed).toMatchObject({
      summary: "the server asks for a client certificate",
      hint: expect.stringContaining("Talos nodes have none"),
    });
  });
});

function listenTls(options: TlsOptions): Promise<number> {
  const server = createServer({ ...TLS, ...options });
  server.on("tlsClientError", () => {});
  return listen(server);
}
