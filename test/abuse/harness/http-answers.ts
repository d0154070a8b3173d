/**
 * Single requests whose exact bytes matter, and their answers.
 * @module
 */
import { connect, type IncomingHttpHeaders } from "node:http2";
import { connect as connectSocket } from "node:net";
import { Http1Peer } from "./http1-peer.ts";
import { ATTACKER, SERVICE_HOST } from "./loopback-address.ts";

export interface HttpAnswer {
  /** 0 if there was none. */
  readonly status: number;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends bytes of HTTP/1.1 as they are, and reads until the service closes the connection. */
export async function http1Answer(port: number, bytes: string): Promise<HttpAnswer> {
  const peer = await Http1Peer.connect({ port });
  peer.send(Buffer.from(bytes, "latin1"));
  await peer.until("the end of the connection", () => peer.isClosed);
  peer.close();
  const [head = "", ...rest] = peer.text.split("\r\n\r\n");
  const [, ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
  return { status: peer.statuses[0] ?? 0, headers, body: rest.join("\r\n\r\n") };
}

/** Makes one HTTP/2 request; its path and headers are sent as they are. */
export async function http2Answer(
  port: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array = new Uint8Array(0),
): Promise<HttpAnswer> {
  const session = connect(`http://${SERVICE_HOST}:${port}`, {
    createConnection: () => connectSocket({ port, host: SERVICE_HOST, localAddress: ATTACKER }),
  });
  session.on("error", () => {});
  const stream = session.request(headers);
  /** Trailers included: gRPC has its status there, or in the headers. */
  let answer: IncomingHttpHeaders = {};
  let text = "";
  for (const event of ["response", "trailers"]) {
    stream.on(event, (headers: IncomingHttpHeaders) => {
      answer = { ...answer, ...headers };
    });
  }
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  stream.on("error", () => {});
  stream.end(body);
  await new Promise<void>((resolve) => stream.once("close", resolve));
  session.destroy();
  const known = Object.entries(answer).map(([name, value]) => [name, String(value)]);
  return {
    status: Number(answer[":status" as keyof IncomingHttpHeaders] ?? 0),
    headers: Object.fromEntries(known),
    body: text,
  };
}
