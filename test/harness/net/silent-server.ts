/**
 * A server that takes connections and says nothing.
 * @module
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** It ends with the test. @returns Its URL. */
export async function startSilence(): Promise<string> {
  const silence = createServer().listen(0, "127.0.0.1");
  const sockets = new Set<Socket>();
  silence.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
  onTestFinished(() => {
    silence.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(silence, "listening");
  return `http://127.0.0.1:${(silence.address() as AddressInfo).port}`;
}
