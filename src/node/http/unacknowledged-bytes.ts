/**
 * What the system still holds of connections, as Linux tells.
 *
 * It takes megabytes for a peer, and lets a writer know only when a third of that has been read. A
 * slow reader is seen earlier here: by every byte that it has acknowledged.
 * @module
 */
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { scanAddress } from "../../net/address.ts";

/** Bytes of a connection that its peer has not acknowledged; `undefined` if nothing is known. */
export type UnacknowledgedBytes = (socket: Socket) => number | undefined;

const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"] as const;

/** Looks at all connections of the system. Never rejects. */
export async function readUnacknowledgedBytes(): Promise<UnacknowledgedBytes> {
  const texts = await Promise.all(TABLES.map((path) => readFile(path, "latin1").catch(() => "")));
  return parseTcpTables(texts.join("\n"));
}

/** Reads the text of Linux's `/proc/net/tcp` and `tcp6`. */
export function parseTcpTables(text: string): UnacknowledgedBytes {
  const byPeer = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, local, peer, , queues] = line.trim().split(/\s+/, 5);
    if (local === undefined || peer === undefined || queues === undefined) continue;
    const port = local.slice(local.indexOf(":") + 1);
    byPeer.set(`${port} ${peer}`, Number.parseInt(queues, 16));
  }
  return ({ localPort, remoteAddress, remotePort }) => {
    if (localPort === undefined || remoteAddress === undefined || remotePort === undefined) {
      return undefined;
    }
    return byPeer.get(`${hexPort(localPort)} ${hexAddress(remoteAddress)}:${hexPort(remotePort)}`);
  };
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}

/** Words of 32 bits in the byte order of the machine, of which all that we run on have one. */
function hexAddress(text: string): string {
  const bytes = Buffer.from(scanAddress(text)?.subarray(0, 16) ?? []);
  return bytes.swap32().toString("hex").toUpperCase();
}
