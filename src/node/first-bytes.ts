/**
 * Looks at the first bytes of a connection before it is handed to a server.
 * @module
 */
import type { Socket } from "node:net";

/**
 * Reads until `judge` has a result. Then it puts all bytes back, so that the socket is as new.
 *
 * @param socket - Not yet read from, or with bytes put back. It is destroyed if it ends first, and
 *   nothing is called if it closes first.
 * @param judge - Tells what the bytes are; `undefined` while they are too few.
 */
export function judgeFirstBytes<T>(
  socket: Socket,
  judge: (bytes: Buffer) => T | undefined,
  onJudged: (result: T) => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const stop = () => {
    socket.off("readable", onReadable);
    socket.off("end", onEnd);
    socket.off("close", stop);
  };
  const onEnd = () => {
    stop();
    socket.destroy();
  };
  // Not by the `data` event: a socket that has flowed once and was paused is taken over differently
  // by each runtime.
  const onReadable = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const result = judge(seen);
    if (result === undefined) return;
    stop();
    socket.unshift(seen);
    onJudged(result);
  };
  socket.on("readable", onReadable);
  socket.on("end", onEnd);
  socket.on("close", stop);
  if (socket.readableLength > 0) onReadable();
}
