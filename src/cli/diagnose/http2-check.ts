/**
 * Whether HTTP/2 is spoken, which gRPC needs, and who answers where it is not.
 *
 * By the first bytes of a connection of our own, because an HTTP/2 library only says that something
 * was wrong.
 * @module
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Deadline } from "../deadline.ts";
import { outsideText } from "../text.ts";
import type { Finding, Outcome } from "./check.ts";
import { errorCode, failureText } from "./failures.ts";
import { openStream, type Route } from "./route.ts";
import { CLIENT_CERTIFICATE_WANTED } from "./tls-check.ts";

/** The client's connection preface and an empty SETTINGS frame: RFC 9113, 3.4 and 6.5. */
const GREETING = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

const FRAME_HEADER_BYTES = 9;
const SETTINGS_TYPE = 4;
const TLS_ALERT = 0x15;

/** What is read of an answer that is no HTTP/2. */
const MAX_ANSWER_BYTES = 4096;

/** How long somebody who speaks no HTTP/2 may take to say who they are. */
const INTRODUCTION_TIMEOUT_MS = 2000;

/** Greets in HTTP/2. The value is the way, as it came in. */
export async function checkHttp2(route: Route, signal: AbortSignal): Promise<Outcome<Route>> {
  const { tls } = route.service;
  let alpn: string | null = null;
  let answer: Buffer;
  try {
    const socket = await openStream(route, signal);
    alpn = (socket as TLSSocket).alpnProtocol || null;
    answer = await ask(socket, GREETING, FRAME_HEADER_BYTES, signal);
  } catch (error) {
    return { finding: explainSilence(error, route, signal) };
  }
  const details = { alpn: tls ? alpn : null };
  if (isSettings(answer) && (!tls || alpn === "h2")) {
    const summary = tls ? "HTTP/2 by ALPN" : "HTTP/2 in plaintext, with prior knowledge";
    return { finding: { status: "ok", summary, details }, value: route };
  }
  if (isSettings(answer)) {
    const summary = "HTTP/2, but the server does not offer it in TLS (ALPN)";
    const hint = "gRPC clients insist on it: have the server, or the proxy before it, offer h2.";
    return { finding: { status: "failed", summary, hint, details } };
  }
  if (!tls && answer[0] === TLS_ALERT) {
    return { finding: { ...wrongScheme(route), details } };
  }
  const greeted = readHttp1(answer);
  if (greeted !== undefined || answer.length === 0) {
    const web = readHttp1(await introduction(route, signal)) ?? greeted;
    if (web !== undefined) {
      return { finding: { ...explainWeb(web, route), details: { ...details, ...web } } };
    }
  }
  const said = outsideText(answer.toString("latin1"), 60);
  return {
    finding: {
      status: "failed",
      summary:
        said === "" ? "the server closed the connection without a word" : `no HTTP: "${said}"`,
      hint:
        said === ""
          ? "Something on the way lets only known protocols through, or the port is another service's."
          : "The port is another service's: correct the URL.",
      details,
    },
  };
}

/** Who somebody says they are, in HTTP/1.1. */
interface WebAnswer {
  /** `HTTP/1.1 200 OK`. */
  readonly statusLine: string;
  readonly server: string | null;
  readonly contentType: string | null;
  /** The title of a page, or the start of a text. */
  readonly text: string | null;
}

/** Sends some bytes, and reads until there are enough, or the end. */
async function ask(
  socket: Socket,
  bytes: Uint8Array,
  enoughBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  let answer = Buffer.alloc(0);
  try {
    return await new Promise((resolve, reject) => {
      const onAbort = () => (answer.length > 0 ? resolve(answer) : reject(signal.reason));
      signal.addEventListener("abort", onAbort, { once: true });
      socket.on("data", (chunk: Buffer) => {
        answer = Buffer.concat([answer, chunk]);
        if (answer.length >= enoughBytes) resolve(answer);
      });
      socket.once("close", () => {
        signal.removeEventListener("abort", onAbort);
        resolve(answer);
      });
      // With an answer before it, a reset is only how the other side hangs up.
      socket.once("error", (error) => (answer.length > 0 ? resolve(answer) : reject(error)));
      socket.write(bytes);
    });
  } finally {
    socket.destroy();
  }
}

function isSettings(answer: Buffer): boolean {
  return (
    answer.length >= FRAME_HEADER_BYTES &&
    answer[3] === SETTINGS_TYPE &&
    answer.readUInt32BE(5) === 0
  );
}

/** Asks for a page, on a connection of its own: most answer that, and say who they are. */
async function introduction(route: Route, signal: AbortSignal): Promise<Buffer> {
  const { host, port } = route.service;
  using deadline = new Deadline({ signal, timeoutMs: INTRODUCTION_TIMEOUT_MS });
  const request = `GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`;
  try {
    const socket = await openStream(route, deadline.signal);
    return await ask(socket, Buffer.from(request), MAX_ANSWER_BYTES, deadline.signal);
  } catch {
    return Buffer.alloc(0);
  }
}

function readHttp1(answer: Buffer): WebAnswer | undefined {
  const text = answer.toString("utf8", 0, MAX_ANSWER_BYTES);
  const [statusLine = ""] = text.split(/\r?\n/, 1);
  if (!/^HTTP\/1\.[01] \d{3}/.test(statusLine)) return undefined;
  const [head = "", body = ""] = text.split(/\r?\n\r?\n/, 2);
  const header = (name: string) => {
    const value = new RegExp(`^${name}:[ \\t]*(.*)$`, "im").exec(head)?.[1];
    return value === undefined ? null : outsideText(value, 60);
  };
  const title = /<title[^>]*>([^<]*)/i.exec(body)?.[1] ?? body.replaceAll(/<[^>]*>?/g, " ");
  return {
    statusLine: outsideText(statusLine, 60),
    server: header("server"),
    contentType: header("content-type"),
    text: outsideText(title, 60) || null,
  };
}

/** What is wrong on the way to HTTP/2, by who says so. */
const PRODUCT_HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /nginx|openresty/i,
    "nginx: `http2 on;` in the server block, and grpc_pass instead of proxy_pass.",
  ],
  [/cloudflare/i, "Cloudflare: switch gRPC on under Network, or do not proxy the name (DNS only)."],
  [/awselb/i, "AWS: a target group with protocol version gRPC, or a network load balancer."],
  [/apache/i, "Apache: `Protocols h2 http/1.1`, and mod_proxy_http2 with h2:// or h2c://."],
  [/traefik/i, "Traefik: scheme h2c for the service behind it."],
  [/envoy|istio/i, "Envoy: http2_protocol_options for listener and cluster."],
  [/caddy/i, "Caddy: reverse_proxy h2c://…, and protocols h1 h2 h2c."],
];

const GENERAL_HINT =
  "A web server or proxy is in front: have it pass HTTP/2 on (gRPC), or pass TCP through.";

function explainWeb(web: WebAnswer, route: Route): Pick<Finding, "status" | "summary" | "hint"> {
  const { statusLine, server, contentType, text } = web;
  if (!route.service.tls && /\bTLS\b|HTTPS/i.test(text ?? "")) return wrongScheme(route);
  const who = server === null ? "" : ` of ${server}`;
  const page = contentType?.includes("html") ? ", a web page" : "";
  const words = text === null ? "" : `: "${text}"`;
  const hint = PRODUCT_HINTS.find(([name]) => name.test(server ?? ""))?.[1] ?? GENERAL_HINT;
  return { status: "failed", summary: `only HTTP/1.1${who}: ${statusLine}${page}${words}`, hint };
}

function wrongScheme({ service }: Route): Pick<Finding, "status" | "summary" | "hint"> {
  return {
    status: "failed",
    summary: "the server speaks TLS here",
    hint: `Write https://${service.host}:${service.port}.`,
  };
}

function explainSilence(error: unknown, { service }: Route, signal: AbortSignal): Finding {
  const code = errorCode(error);
  if (code !== undefined && /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/.test(code)) {
    return { status: "failed", ...CLIENT_CERTIFICATE_WANTED, details: { error: code } };
  }
  return {
    status: "failed",
    summary: signal.aborted
      ? `the server says nothing: ${failureText(error, signal)}`
      : `the connection broke: ${failureText(error, signal)}`,
    hint: `Is the service at ${service.host}:${service.port} stuck, or is the port another service's?`,
    details: { error: code ?? null },
  };
}
