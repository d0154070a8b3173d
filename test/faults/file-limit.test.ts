/**
 * More connections than the process may have open files.
 * @module
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { FaultStage, watchForLosses } from "./harness/fault-stage.ts";

const OPEN_FILES = 96;
const CONNECTIONS = 150;

test("at the limit of open files connections are refused and logged, and calls go on", async () => {
  const stage = new FaultStage();
  const service = await stage.service({
    through: ["prlimit", `--nofile=${OPEN_FILES}:${OPEN_FILES}`, "--"],
  });
  const fleet = await stage.fleet(service, { go: 2, ts: 1 });
  const { losses } = watchForLosses(fleet);
  const before = stage.probe(service);
  const hello = { do: "hello", clusterId: "c", timeoutMs: 15_000 } as const;
  expect((await before.call(hello)).code).toBe("OK");

  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  let refused = 0;
  for (let i = 0; i < CONNECTIONS; i++) {
    const socket = connect(service.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("close", () => {
      refused += 1;
    });
    // A half of a preface: neither silent nor of use.
    socket.write("PRI");
    socket.resume();
    sockets.push(socket);
    await once(socket, "connect");
  }
  await expect.poll(() => refused).toBeGreaterThan(CONNECTIONS - OPEN_FILES);
  // Who was connected before is served, and so is who comes when there is room again.
  expect((await before.call(hello)).code).toBe("OK");
  await service.process.untilDiagnostic('"reason":"connection_');
  for (const socket of sockets) socket.destroy();
  const answers = () =>
    fetch(service.url).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(answers).toBe(true);
  expect(losses()).toEqual([]);
  await stage.check(service, { peakMb: 200 }, fleet);
});
