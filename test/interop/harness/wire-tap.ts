/**
 * A forwarder between a client and a service that reads the HTTP/2 frames going by. Plaintext only.
 * @module
 */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { EVENT_LIMIT_MS } from "../../harness/processes/line-process.ts";

const PREFACE_BYTES = 24;
const FRAME_HEADER_BYTES = 9;
const FRAME_NAMES: Readonly<Record<number, string>> = {
  0: "DATA",
  1: "HEADERS",
  3: "RST_STREAM",
  6: "PING",
  7: "GOAWAY",
};
const ACK = 1;

export interface TappedFrame {
  readonly from: "client" | "service";
  /** `PING`, `PING ACK`, `GOAWAY`, …; a number for types of no interest here. */
  readonly name: string;
  readonly payload: Buffer;
}

export interface WireTap extends AsyncDisposable {
  /** `127.0.0.1:port` to connect to. */
  readonly endpoint: string;
  readonly frames: readonly TappedFrame[];
  /** Connections so far. */
  readonly connections: number;
  /** Waits until `look` finds something; asked after every frame. */
  until<Found>(what: string, look: () => Found | undefined, limitMs?: number): Promise<Found>;
  /** Cuts all connections, without a word. */
  cut(): void;
}

/** Starts a forwarder to a port on loopback. */
export async function startWireTap(port: number): Promise<WireTap> {
  const frames: TappedFrame[] = [];
  const sockets = new Set<Socket>();
  const waiters = new Set<() => void>();
  let connections = 0;
  const note = (frame: TappedFrame): void => {
    frames.push(frame);
    for (const waiter of waiters) waiter();
  };
  const server = createServer((client) => {
    connections += 1;
    const service = connect(port, "127.0.0.1");
    for (const [source, sink, from, skipBytes] of [
      [client, service, "client", PREFACE_BYTES],
      [service, client, "service", 0],
    ] as const) {
      sockets.add(source);
      const read = createFrameReader(from, skipBytes, note);
      source.on("data", (chunk: Buffer) => {
        read(chunk);
        sink.write(chunk);
      });
      source.on("end", () => sink.end());
      source.on("error", () => sink.destroy());
      source.on("close", () => {
        sockets.delete(source);
        sink.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    endpoint: `127.0.0.1:${address.port}`,
    frames,
    get connections() {
      return connections;
    },
    async until(what, look, limitMs = EVENT_LIMIT_MS) {
      const limit = AbortSignal.timeout(limitMs);
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        if (limit.aborted) throw new Error(`wire: ${what}: not seen within ${limitMs} ms`);
        await new Promise<void>((resolve) => {
          const done = (): void => {
            limit.removeEventListener("abort", done);
            waiters.delete(done);
            resolve();
          };
          limit.addEventListener("abort", done);
          waiters.add(done);
        });
      }
    },
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

function createFrameReader(
  from: "client" | "service",
  skipBytes: number,
  note: (frame: TappedFrame) => void,
): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  let toSkip = skipBytes;
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    if (pending.length < toSkip) return;
    pending = pending.subarray(toSkip);
    toSkip = 0;
    while (pending.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + pending.readUIntBE(0, 3);
      if (pending.length < end) return;
      const type = pending.readUInt8(3);
      const isAck = type === 6 && (pending.readUInt8(4) & ACK) !== 0;
      const name = FRAME_NAMES[type] ?? String(type);
      note({
        from,
        name: isAck ? `${name} ACK` : name,
        payload: pending.subarray(FRAME_HEADER_BYTES, end),
      });
      pending = pending.subarray(end);
    }
  };
}
