/**
 * A small HTTP proxy that knows CONNECT alone.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";

export interface ConnectProxy extends AsyncDisposable {
  readonly port: number;
  /** What was asked for: target and credentials. */
  readonly requests: { readonly target: string; readonly authorization: string | undefined }[];
  /** Cuts all connections. */
  cut(): void;
  /** Carries nothing more, and tells nobody. */
  freeze(): void;
}

export interface ConnectProxyOptions {
  /** Refuses everything with it. */
  readonly status?: string;
  /** Never answers. */
  readonly silent?: boolean;
  readonly tls?: { readonly cert: string; readonly key: string };
}

export async function startConnectProxy({
  status,
  silent = false,
  tls,
}: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const requests: { target: string; authorization: string | undefined }[] = [];
  const sockets = new Set<Socket>();
  const freezers: (() => void)[] = [];
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  };
  const server: Server = tls === undefined ? createServer() : createTlsServer(tls);
  server.on("connection", track);
  server.on("connect", (request, client: Socket, head) => {
    const target = request.url ?? "";
    requests.push({ target, authorization: request.headers["proxy-authorization"] });
    client.on("error", () => {});
    if (silent) return;
    if (status !== undefined) {
      client.end(`HTTP/1.1 ${status}\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${target}`);
    const upstream = connect(Number(port), hostname.replace(/^\[|\]$/g, ""));
    track(upstream);
    upstream.once("connect", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    upstream.once("error", () => client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
    freezers.push(() => {
      client.unpipe().resume();
      upstream.unpipe().resume();
    });
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    cut,
    freeze: () => {
      for (const freeze of freezers) freeze();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
