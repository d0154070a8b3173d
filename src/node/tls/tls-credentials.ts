/**
 * A certificate, its key, and whose client certificates are asked for: checked before they are
 * served.
 * @module
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { DiscoveryError } from "../../errors.ts";

/** What a TLS port needs, as PEM. */
export interface TlsCredentials {
  /** The certificate, and those between it and a root. */
  readonly cert: string | Uint8Array;
  /** Its key, without a passphrase. */
  readonly key: string | Uint8Array;
  /**
   * Callers must then show a certificate that one of these has signed. @default no client
   * certificates
   */
  readonly clientCa?: string | Uint8Array | undefined;
}

/** The certificate in force, as far as an operator wants to know. */
export interface TlsCertificate {
  /** When it expires. */
  readonly notAfter: Date;
  /** `CN=discovery.example`, or the alternative names where it has no subject. */
  readonly subject: string;
}

/** What the parts are called in messages: paths, where they are files. */
export interface TlsCredentialNames {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

const DEFAULT_NAMES: TlsCredentialNames = {
  cert: "tls.cert",
  key: "tls.key",
  clientCa: "tls.clientCa",
};

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Checks all of it: OpenSSL itself would take a CA file without a certificate for one that it need
 * not look at.
 *
 * @throws {DiscoveryError} `ERR_CERTIFICATE_INVALID`, naming what is wrong, and nothing of a key.
 */
export function checkTlsCredentials(
  { cert, key, clientCa }: TlsCredentials,
  names: TlsCredentialNames = DEFAULT_NAMES,
): TlsCertificate {
  const [leaf] = certificatesOf(cert, names.cert);
  if (!leaf.checkPrivateKey(privateKeyOf(key, names.key))) {
    throw invalid(`${names.key}: not the key of the certificate in ${names.cert}`);
  }
  if (clientCa !== undefined) certificatesOf(clientCa, names.clientCa);
  return {
    notAfter: new Date(leaf.validTo),
    // One attribute a line.
    subject: (leaf.subject || leaf.subjectAltName || "").replaceAll("\n", ", "),
  };
}

function certificatesOf(
  pem: string | Uint8Array,
  name: string,
): [X509Certificate, ...X509Certificate[]] {
  const blocks = Buffer.from(pem).toString("latin1").match(PEM_CERTIFICATE) ?? [];
  const parsed = blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw invalid(`${name}: certificate ${index + 1} of ${blocks.length} does not parse`, cause);
    }
  });
  const [first, ...rest] = parsed;
  if (first === undefined) throw invalid(`${name}: no PEM certificate`);
  return [first, ...rest];
}

function privateKeyOf(pem: string | Uint8Array, name: string): KeyObject {
  try {
    return createPrivateKey(Buffer.from(pem));
  } catch {
    // By its text, since every runtime has another error. And without the error: it may be about
    // the key's content.
    const isEncrypted = Buffer.from(pem).includes("ENCRYPTED");
    throw invalid(`${name}: ${isEncrypted ? "needs a passphrase" : "no PEM private key"}`);
  }
}

function invalid(message: string, cause?: unknown): DiscoveryError {
  return new DiscoveryError("ERR_CERTIFICATE_INVALID", message, { cause });
}
