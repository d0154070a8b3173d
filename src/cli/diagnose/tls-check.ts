/**
 * The TLS handshake and the certificates that come with it.
 * @module
 */
import { counted } from "../text.ts";
import {
  certificateChain,
  certificateNames,
  certificateProblems,
  daysLeft,
  summarizeCertificate,
} from "./certificate-chain.ts";
import type { DiagnoseOptions, Finding, Outcome } from "./check.ts";
import { bareHost } from "./configuration-check.ts";
import { errorCode, failureText } from "./failures.ts";
import { openSocket, type Route, secure } from "./route.ts";

/** TLS 1.3 tells of it only after the handshake, with the first answer. */
export const CLIENT_CERTIFICATE_WANTED = {
  summary: "the server asks for a client certificate",
  hint: "Talos nodes have none to show: have the service take callers without one.",
} as const;

/**
 * Makes a connection with TLS and looks at what the server shows. The value is the way, as it came
 * in.
 */
export async function checkTls(
  route: Route,
  { now = Date.now }: Pick<DiagnoseOptions, "now">,
  signal: AbortSignal,
): Promise<Outcome<Route>> {
  if (!route.service.tls) {
    const summary = "not needed: the service's URL says plaintext";
    return { finding: { status: "skipped", summary }, value: route };
  }
  const socket = await openSocket(route, signal);
  try {
    const secured = await secure(socket, route, signal);
    const chain = certificateChain(secured.getPeerCertificate(true));
    const [leaf] = chain;
    const version = secured.getProtocol() ?? "TLS";
    // Node's types promise an error; it is OpenSSL's code.
    const verifyError = secured.authorized ? undefined : String(secured.authorizationError);
    const problems = certificateProblems(chain, bareHost(route.service), verifyError, now());
    const left = leaf === undefined ? null : daysLeft(leaf, now());
    const details = {
      version,
      cipher: secured.getCipher().standardName,
      names: leaf === undefined ? [] : certificateNames(leaf),
      daysLeft: left,
      chain: chain.map(summarizeCertificate),
      problems: problems.map(({ code }) => code),
    };
    const [worst, ...others] = problems;
    if (worst === undefined) {
      const issuer = leaf === undefined ? "nobody" : summarizeCertificate(leaf).issuer;
      const summary = `${version}, certificate of ${issuer}, ${counted(left ?? 0, "day")} left`;
      return { finding: { status: "ok", summary, details }, value: route };
    }
    const summary = [worst, ...others].map((problem) => problem.summary).join("; ");
    const status = worst.isFatal ? "failed" : "warning";
    return {
      finding: { status, summary, hint: worst.hint, details },
      value: worst.isFatal ? undefined : route,
    };
  } catch (error) {
    return { finding: explain(error, route, signal) };
  } finally {
    socket.destroy();
  }
}

function explain(error: unknown, route: Route, signal: AbortSignal): Finding {
  const code = errorCode(error) ?? "";
  const { host, port } = route.service;
  const failed = (summary: string, hint: string): Finding => ({
    status: "failed",
    summary,
    hint,
    details: { error: code === "" ? null : code },
  });
  if (signal.aborted) {
    return failed(
      `the handshake got no answer: ${failureText(error, signal)}`,
      `Is there a TLS service at ${host}:${port}, and does nothing on the way swallow TLS?`,
    );
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST/.test(code)) {
    return failed(
      "the server does not speak TLS here",
      `If it is a plaintext service, write http://${host}:${port}.`,
    );
  }
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/.test(code)) {
    return failed("no TLS version in common", "The server must allow TLS 1.2 or 1.3.");
  }
  if (/UNRECOGNIZED_NAME/.test(code)) {
    return failed(
      `the server knows no certificate for ${host}`,
      "Correct the name in the service's URL, or the server's list of names.",
    );
  }
  if (/CERTIFICATE_REQUIRED/.test(code)) {
    return failed(CLIENT_CERTIFICATE_WANTED.summary, CLIENT_CERTIFICATE_WANTED.hint);
  }
  return failed(
    `the handshake failed: ${failureText(error, signal)}`,
    "Look into the server's log; a firewall that cuts TLS by name looks like this too.",
  );
}
