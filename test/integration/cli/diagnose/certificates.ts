/**
 * Certificates for any time and any name. The system's `openssl` makes none that have expired.
 * @see RFC 5280, 4.1
 * @module
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";

export interface CertificateOptions {
  /** Common name. */
  readonly subject: string;
  /** Who signs. @default itself */
  readonly issuer?: Issued;
  /** Names and IPv4 addresses. */
  readonly names?: readonly string[];
  readonly isCa?: boolean;
  /** Days from now. @default -1 */
  readonly fromDays?: number;
  /** Days from now. @default 365 */
  readonly toDays?: number;
}

export interface Issued {
  readonly subject: string;
  readonly cert: string;
  readonly key: string;
  readonly privateKey: KeyObject;
}

const DAY_MS = 86_400_000;

export function issueCertificate(options: CertificateOptions): Issued {
  const { subject, issuer, names = [], isCa = false, fromDays = -1, toDays = 365 } = options;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const content = sequence(
    tagged(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    name(issuer?.subject ?? subject),
    sequence(time(fromDays), time(toDays)),
    name(subject),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...extensions(isCa, names))),
  );
  const signature = sign("sha256", content, issuer?.privateKey ?? privateKey);
  const bytes = sequence(content, ecdsaWithSha256, bitString(signature));
  const base64 = bytes.toString("base64").replaceAll(/.{64}/g, "$&\n").trimEnd();
  return {
    subject,
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    privateKey,
  };
}

function extensions(isCa: boolean, names: readonly string[]): Buffer[] {
  const constraints = sequence(...(isCa ? [der(0x01, Buffer.from([0xff]))] : []));
  const all = [
    sequence(oid(0x55, 0x1d, 0x13), der(0x01, Buffer.from([0xff])), der(0x04, constraints)),
  ];
  if (names.length > 0) {
    const general = names.map((one) =>
      isIPv4(one)
        ? der(0x87, Buffer.from(one.split(".").map(Number)))
        : der(0x82, Buffer.from(one)),
    );
    all.push(sequence(oid(0x55, 0x1d, 0x11), der(0x04, sequence(...general))));
  }
  return all;
}

function name(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(commonName)))));
}

/** GeneralizedTime: `YYYYMMDDHHMMSSZ`. */
function time(days: number): Buffer {
  const text = new Date(Date.now() + days * DAY_MS).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return der(0x18, Buffer.from(text));
}

function oid(...bytes: number[]): Buffer {
  return der(0x06, Buffer.from(bytes));
}

function bitString(bytes: Buffer): Buffer {
  return der(0x03, Buffer.concat([Buffer.from([0]), bytes]));
}

function tagged(tag: number, content: Buffer): Buffer {
  return der(tag, content);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
