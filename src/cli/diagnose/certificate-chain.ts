/**
 * What a server's certificates say, and what is wrong with them.
 * @module
 */
import { checkServerIdentity, type DetailedPeerCertificate } from "node:tls";
import { counted, outsideText } from "../text.ts";

/** Fewer days left than this are too few to sleep well. */
const WARNING_DAYS = 14;

/**
 * Certificates that live for days are renewed with a third of their life left, by the habit of ACME
 * clients.
 */
const RENEWED_SHARE = 1 / 3;

const DAY_MS = 86_400_000;

/** How many names of a certificate are told. */
const MAX_NAMES = 100;

/** Longer chains are looked at no further. */
const MAX_CHAIN = 8;

/** Names of products that end TLS on the way, to look into it. */
const INTERCEPTORS =
  /zscaler|fortinet|fortigate|palo ?alto|netskope|umbrella|blue ?coat|sophos|check ?point|skyhigh|mcafee|kaspersky|\beset\b|avast|barracuda|mitmproxy|squid|watchguard|untangle|forcepoint|fiddler|charles proxy|burp|(ssl|tls|https) ?(inspection|interception|decryption|proxy)/i;

/** One certificate, as text for people. */
export interface CertificateSummary {
  readonly subject: string;
  readonly issuer: string;
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** SHA-256, hex with colons. */
  readonly fingerprint: string;
}

/** Something wrong with a chain. */
export interface CertificateProblem {
  readonly code: "expired" | "not-yet-valid" | "untrusted" | "wrong-name" | "expires-soon";
  readonly isFatal: boolean;
  readonly summary: string;
  readonly hint: string;
}

/** The certificates that a server sent, its own first. */
export function certificateChain(leaf: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  let next: DetailedPeerCertificate | undefined = leaf;
  while (next?.raw !== undefined && chain.length < MAX_CHAIN && !chain.includes(next)) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

/** A certificate for the report. */
export function summarizeCertificate(certificate: DetailedPeerCertificate): CertificateSummary {
  return {
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    notBefore: isoDate(certificate.valid_from),
    notAfter: isoDate(certificate.valid_to),
    fingerprint: certificate.fingerprint256,
  };
}

/** The names for which a certificate is: `discovery.example`, `10.0.0.1`. */
export function certificateNames({ subjectaltname = "" }: DetailedPeerCertificate): string[] {
  return subjectaltname
    .split(", ")
    .filter((name) => name !== "")
    .slice(0, MAX_NAMES)
    .map((name) => outsideText(name.replace(/^(DNS|IP Address):/, "")));
}

/** Whole days until a certificate expires, negative afterwards. */
export function daysLeft(certificate: DetailedPeerCertificate, nowMs: number): number {
  return Math.floor((Date.parse(certificate.valid_to) - nowMs) / DAY_MS);
}

/**
 * What is wrong, the worst first.
 *
 * @param host - A name or an address, as in the service's URL.
 * @param verifyError - OpenSSL's word on the chain, where it is not trusted.
 */
export function certificateProblems(
  chain: readonly DetailedPeerCertificate[],
  host: string,
  verifyError: string | undefined,
  nowMs: number,
): CertificateProblem[] {
  const [leaf] = chain;
  if (leaf === undefined) return [];
  const problems: CertificateProblem[] = [];
  for (const [index, certificate] of chain.entries()) {
    const problem = timeProblem(certificate, index === 0, nowMs);
    if (problem !== undefined) problems.push(problem);
  }
  const trust = trustProblem(chain, verifyError);
  if (trust !== undefined) problems.push(trust);
  if (checkServerIdentity(host, leaf) !== undefined) {
    const names = certificateNames(leaf);
    const shown = names.length === 0 ? "no name" : names.slice(0, 4).join(", ");
    problems.push({
      code: "wrong-name",
      isFatal: true,
      summary: `the certificate is for ${shown}, not for ${outsideText(host)}`,
      hint:
        names.length === 0
          ? "Make a certificate with the service's name in subjectAltName; the common name does not count."
          : `Use one of its names in the service's URL, or make a certificate for ${outsideText(host)}.`,
    });
  }
  if (verifyError !== undefined && !problems.some(({ isFatal }) => isFatal)) {
    // Such as an authority that has expired and was not sent.
    problems.push({
      code: "untrusted",
      isFatal: true,
      summary: `the certificate does not verify (${outsideText(verifyError)})`,
      hint: "Look at the authority that signed it, and at this machine's clock.",
    });
  }
  return problems.toSorted((a, b) => Number(b.isFatal) - Number(a.isFatal));
}

function timeProblem(
  certificate: DetailedPeerCertificate,
  isLeaf: boolean,
  nowMs: number,
): CertificateProblem | undefined {
  const what = isLeaf ? "the certificate" : `${nameOf(certificate.subject)} in the chain`;
  const left = daysLeft(certificate, nowMs);
  if (Date.parse(certificate.valid_from) > nowMs) {
    return {
      code: "not-yet-valid",
      isFatal: true,
      summary: `${what} is not valid before ${isoDate(certificate.valid_from)}`,
      hint: `Is this machine's clock right? It says ${new Date(nowMs).toISOString()}.`,
    };
  }
  if (Date.parse(certificate.valid_to) <= nowMs) {
    return {
      code: "expired",
      isFatal: true,
      summary: `${what} expired on ${isoDate(certificate.valid_to).slice(0, 10)}, ${counted(-left - 1, "day")} ago`,
      hint: `Renew it. If it is new, is this machine's clock right? It says ${new Date(nowMs).toISOString()}.`,
    };
  }
  const shareLeft = (Date.parse(certificate.valid_to) - nowMs) / lifeMs(certificate);
  if (left >= WARNING_DAYS || shareLeft >= RENEWED_SHARE) return undefined;
  return {
    code: "expires-soon",
    isFatal: false,
    summary: `${what} expires ${left === 0 ? "within a day" : `in ${counted(left, "day")}`}`,
    hint: "Renew it now, and find out why it was not renewed by itself.",
  };
}

function lifeMs({ valid_from, valid_to }: DetailedPeerCertificate): number {
  return Date.parse(valid_to) - Date.parse(valid_from);
}

function trustProblem(
  chain: readonly DetailedPeerCertificate[],
  verifyError: string | undefined,
): CertificateProblem | undefined {
  switch (verifyError) {
    // Looked at one by one.
    case undefined:
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return undefined;
  }
  const [leaf] = chain;
  const last = chain.at(-1);
  const issuer = nameOf(last?.issuer ?? {});
  const untrusted = (summary: string, hint: string): CertificateProblem => ({
    code: "untrusted",
    isFatal: true,
    summary,
    hint,
  });
  if (INTERCEPTORS.test(issuer) || INTERCEPTORS.test(nameOf(leaf?.issuer ?? {}))) {
    return untrusted(
      `${issuer} stands between: something on the way opens TLS`,
      "Have it leave this host alone, or trust its CA (--ca-file here, TrustedRootsConfig on nodes).",
    );
  }
  if (verifyError === "DEPTH_ZERO_SELF_SIGNED_CERT") {
    return untrusted(
      `the certificate is signed by itself (${issuer})`,
      "Give it with --ca-file, and to nodes in a TrustedRootsConfig document; or use one of a public CA.",
    );
  }
  if (verifyError === "UNABLE_TO_VERIFY_LEAF_SIGNATURE" && chain.length === 1) {
    return untrusted(
      `signed by ${issuer}, which is not trusted, and no certificate in between was sent`,
      "If that CA is public, have the server send the whole chain; else give it with --ca-file.",
    );
  }
  return untrusted(
    `signed by ${issuer}, which is not trusted (${outsideText(verifyError)})`,
    "Give that CA with --ca-file, and to nodes in a TrustedRootsConfig document.",
  );
}

function nameOf(name: object): string {
  const { CN, O } = name as { readonly CN?: unknown; readonly O?: unknown };
  const text = [CN, O].flat().find((part) => typeof part === "string" && part !== "");
  return text === undefined ? "(no name)" : outsideText(String(text));
}

function isoDate(text: string): string {
  const instant = new Date(text);
  return Number.isNaN(instant.getTime()) ? outsideText(text) : instant.toISOString();
}
