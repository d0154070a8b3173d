import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { parseTcpTables } from "../../../../src/node/http/unacknowledged-bytes.ts";

const HEAD =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const TAIL = "01:00000019 00000000  1000        0 185041 2 0000000067a45db5 20 4 24 10 -1";
const TABLES = [
  HEAD,
  `   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 ${TAIL}`,
  `   1: 0100007F:0BB8 0200007F:C001 01 0003E800:00000000 ${TAIL}`,
  HEAD,
  `   0: 0000000000000000FFFF00000100007F:0BB8 0000000000000000FFFF00000200007F:C002 01 00000010:00000000 ${TAIL}`,
  `   1: B80D0120000000000000000001000000:0BB8 B80D0120000000000000000002000000:C003 01 00000020:00000000 ${TAIL}`,
  "",
].join("\n");

function socket(remoteAddress: string | undefined, remotePort: number): Socket {
  return { localPort: 3000, remoteAddress, remotePort } as Socket;
}

test("bytes that a peer has not acknowledged are read from Linux's tables", () => {
  const unacknowledged = parseTcpTables(TABLES);
  expect(unacknowledged(socket("127.0.0.2", 0xc001))).toBe(0x3e800);
  expect(unacknowledged(socket("::ffff:127.0.0.2", 0xc002))).toBe(0x10);
  expect(unacknowledged(socket("2001:db8::2", 0xc003))).toBe(0x20);
});

test("nothing is known of other connections, closed ones, or without tables", () => {
  const unacknowledged = parseTcpTables(TABLES);
  expect(unacknowledged(socket("127.0.0.2", 0xc002))).toBeUndefined();
  expect(unacknowledged(socket("127.0.0.3", 0xc001))).toBeUndefined();
  expect(unacknowledged(socket(undefined, 0xc001))).toBeUndefined();
  expect(parseTcpTables("\n")(socket("127.0.0.2", 0xc001))).toBeUndefined();
});
