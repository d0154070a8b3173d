/**
 * Connections that say nothing.
 * @module
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { FaultStage, watchForLosses } from "./harness/fault-stage.ts";

const CONNECTIONS = 2000;

test("2,000 connections that say nothing are closed, and others are served meanwhile", async () => {
  const stage = new FaultStage();
  const service = await stage.service();
  const fleet = await stage.fleet(service, { go: 2, ts: 1 });
  const { losses } = watchForLosses(fleet);
  const probe = stage.probe(service);
  let closed = 0;
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let i = 0; i < CONNECTIONS; i++) {
    const socket = connect(service.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("close", () => {
      closed += 1;
    });
    socket.resume();
    sockets.push(socket);
    // In turn, so that none is lost for a listen queue that is full.
    await once(socket, "connect");
  }
  let answers = 0;
  while (closed < CONNECTIONS) {
    const hello = await probe.call({ do: "hello", clusterId: "c", timeoutMs: 15_000 });
    expect(hello.code).toBe("OK");
    answers += 1;
  }
  expect(answers).toBeGreaterThan(0);
  expect(losses()).toEqual([]);
  await stage.check(service, { peakMb: 200 }, fleet);
});
