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

/**
 * A line: local port, peer, and what it has not acknowledged. Not those in `TIME_WAIT` (06), of which
 * a busy machine has tens of thousands.
 */
const SOCKET_LINE =
  /^ *\d+: [\dA-F]+:([\dA-F]{4}) ([\dA-F]+:[\dA-F]{4}) (?!06)[\dA-F]{2} ([\dA-F]+):/gm;

const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"] as const;

/** Looks at all connections of the system. Never rejects. */
export async function readUnacknowledgedBytes(): Promise<UnacknowledgedBytes> {
  const texts = await Promise.all(TABLES.map((path) => readFile(path, "latin1").catch(() => "")));
  return parseTcpTables(texts.join("\n"));
}

/** Reads the text of Linux's `/proc/net/tcp` and `tcp6`. */
export function parseTcpTables(text: string): UnacknowledgedBytes {
  const byPeer = new Map<string, number>();
  for (const [, port, peer, unacknowledged] of text.matchAll(SOCKET_LINE)) {
    byPeer.set(`${port} ${peer}`, Number.parseInt(unacknowledged as string, 16));
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
